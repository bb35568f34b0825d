/** LlavaNextImageProcessor of transformers, whose steps these are, and how its model puts the vectors of squares into the picture's rows. */

import { RequestValidationError } from "../support/errors.ts";
import type { Layout, Size, TileLayout } from "./picture.ts";
import type { Grid, Siglip } from "./settings.ts";

/** The grid in which most of the picture's pixels are seen; of those alike the one with the least room besides. */
function nearestGrid({ grids, width: side }: Siglip, { width, height }: Size): Grid {
  let best: Grid | undefined;
  let [most, least] = [0, Infinity];
  for (const grid of grids) {
    const [wide, high] = [grid.columns * side, grid.rows * side];
    const scale = Math.min(wide / width, high / height);
    const seen = Math.min(Math.trunc(width * scale) * Math.trunc(height * scale), width * height);
    const wasted = wide * high - seen;
    if (seen > most || (best !== undefined && seen === most && wasted < least)) [best, most, least] = [grid, seen, wasted];
  }
  if (best === undefined) throw new RequestValidationError(`The picture is ${width} × ${height} pixels: so thin a strip this model does not see. Cut it.`);
  return best;
}

/** How much at each end of `all` rows was added to `size` pixels, of which the other side fills `wide` for `width` pixels. */
function added(all: number, size: number, wide: number, width: number): number {
  return Math.floor((all - Math.trunc(Number((size * (wide / width)).toFixed(7)))) / 2);
}

/** whole: the picture in one square, which is all there is of it in low detail. */
export function layoutAnyres(settings: Siglip, whole: Layout, size: Size, low: boolean): Layout {
  const { width: side, image, before, after, patch } = settings;
  const prompt = (rows: readonly number[]): string => `${before}${image.repeat(rows.length)}${after}`;
  const rows = Array.from({ length: whole.tokens }, (_, i) => i);
  if (low) {
    rows.push(-1);
    return { tokens: rows.length, prompt: prompt(rows), tiles: whole.tiles, rows };
  }
  const grid = nearestGrid(settings, size);
  const [wide, high] = [grid.columns * side, grid.rows * side];
  const [across, down] = [wide / size.width, high / size.height];
  const inner = across < down
    ? { width: wide, height: Math.min(Math.ceil(size.height * across), high) } : { width: Math.min(Math.ceil(size.width * down), wide), height: high };
  const [left, top] = [Math.floor((wide - inner.width) / 2), Math.floor((high - inner.height) / 2)];
  const tiles: TileLayout[] = [...whole.tiles];
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      tiles.push({ sizes: [inner], crop: { left: column * side - left, top: row * side - top, width: side, height: side } });
    }
  }
  const own = Math.floor(side / patch);
  const [columns, lines] = [grid.columns * own, grid.rows * own];
  const isWider = size.width / size.height > columns / lines;
  const [skipped, cut] = isWider ? [added(lines, size.height, columns, size.width), 0] : [0, added(columns, size.width, lines, size.height)];
  for (let y = skipped; y < lines - skipped; y++) {
    for (let x = cut; x < columns - cut; x++) {
      const tile = 1 + Math.floor(y / own) * grid.columns + Math.floor(x / own);
      rows.push(tile * whole.tokens + (y % own) * own + (x % own));
    }
    rows.push(-1);
  }
  return { tokens: rows.length, prompt: prompt(rows), tiles, rows };
}
