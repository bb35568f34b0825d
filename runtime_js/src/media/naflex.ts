/** Lfm2VlImageProcessor of transformers, whose steps these are. */

import { RequestValidationError } from "../support/errors.ts";
import type { Layout, Size, TileLayout } from "./picture.ts";
import type { Naflex } from "./settings.ts";
import { round, smartResize } from "./whole.ts";

/** The grid of tiles whose shape is nearest; of two as near, the later one that a picture of that many pixels fills by half. */
function nearestGrid({ width, height }: Size, { leastTiles, mostTiles, tile }: Naflex): Size {
  const grids: Size[] = [];
  for (let columns = 1; columns <= mostTiles; columns++) {
    for (let rows = 1; rows * columns <= mostTiles; rows++) if (rows * columns >= leastTiles) grids.push({ width: columns, height: rows });
  }
  grids.sort((a, b) => a.width * a.height - b.width * b.height);
  let best: Size = { width: 1, height: 1 };
  let least = Infinity;
  for (const grid of grids) {
    const distance = Math.abs(width / height - grid.width / grid.height);
    if (distance < least || (distance === least && width * height > 0.5 * tile * tile * grid.width * grid.height)) best = grid;
    least = Math.min(least, distance);
  }
  return best;
}

export function layoutNaflex(settings: Naflex, size: Size): Layout {
  const { image, before, after, whole, patch, merge, tile, mostTokens, leastTokens } = settings;
  const block = patch * merge;
  const most = mostTokens * block ** 2;
  const small = smartResize(size, block, leastTokens * block ** 2, most, block);
  const smallTokens = (small.width * small.height) / block ** 2;
  const limit = Math.max(mostTokens, (tile / block) ** 2);
  if (smallTokens > limit) {
    throw new RequestValidationError(`The picture is ${size.width} × ${size.height} pixels: so thin a strip would be ${smallTokens} tokens, and this model takes ${limit} at a time. Cut it.`);
  }
  const smallTile: TileLayout = { sizes: [small], crop: { left: 0, top: 0, ...small } };
  const near = (side: number): number => Math.max(patch, round(side / block) * block);
  if (!settings.split || near(size.width) * near(size.height) <= most * settings.tolerance) {
    return { tokens: smallTokens, prompt: `${before}${image.repeat(smallTokens)}${after}`, tiles: [smallTile] };
  }
  const grid = nearestGrid(size, settings);
  const large = { width: tile * grid.width, height: tile * grid.height };
  const tileTokens = (tile / block) ** 2;
  const tiles: TileLayout[] = [];
  let prompt = before;
  for (let row = 0; row < grid.height; row++) {
    for (let column = 0; column < grid.width; column++) {
      tiles.push({ sizes: [large], crop: { left: column * tile, top: row * tile, width: tile, height: tile } });
      prompt += `${whole === "" ? "" : `<|img_row_${row + 1}_col_${column + 1}|>`}${image.repeat(tileTokens)}`;
    }
  }
  const tokens = tiles.length * tileTokens;
  if (!settings.thumbnail) return { tokens, prompt: prompt + after, tiles };
  return { tokens: tokens + smallTokens, prompt: `${prompt}${whole}${image.repeat(smallTokens)}${after}`, tiles: [...tiles, smallTile] };
}
