/** Idefics3ImageProcessor and SmolVLMImageProcessor of transformers, whose steps these are. */

import type { Layout, Size, TileLayout } from "./picture.ts";
import type { Idefics3 } from "./settings.ts";

/** Beyond which nothing is enlarged. */
const MOST = 4096;

const even = (size: number): number => size + (size % 2);

/** The longer side becomes `longest`. */
function longestEdge({ width, height }: Size, longest: number): Size {
  const ratio = width / height;
  const size = width >= height ? { width: longest, height: even(Math.trunc(longest / ratio)) } : { width: even(Math.trunc(longest * ratio)), height: longest };
  return bounded({ width: Math.max(size.width, 1), height: Math.max(size.height, 1) });
}

function bounded({ width, height }: Size): Size {
  const ratio = width / height;
  if (width >= height && width > MOST) return { width: MOST, height: Math.max(Math.trunc(MOST / ratio), 1) };
  if (height > width && height > MOST) return { width: Math.max(Math.trunc(MOST * ratio), 1), height: MOST };
  return { width, height };
}

/** Both sides become multiples of a tile's. */
function wholeTiles({ width, height }: Size, tile: number): Size {
  const up = (size: number): number => tile * Math.ceil(size / tile);
  const ratio = width / height;
  return width >= height
    ? { width: up(width), height: up(Math.trunc(up(width) / ratio)) }
    : { width: up(Math.trunc(up(height) * ratio)), height: up(height) };
}

export function layoutIdefics3({ tile, longest, split, around, global, image, patch, merge }: Idefics3, size: Size): Layout {
  const square = { width: tile, height: tile };
  const large = longestEdge(size, longest);
  const grid = split ? wholeTiles(large, tile) : square;
  const tokens = (Math.floor(tile / patch) / merge) ** 2;
  const images = image.repeat(tokens);
  const whole: TileLayout = { sizes: [large, grid, square], crop: { left: 0, top: 0, ...square } };
  const end = `${around}${global}${images}${around}`;
  if (grid.width === tile && grid.height === tile) return { tokens, prompt: end, tiles: [whole] };
  const tiles: TileLayout[] = [];
  let prompt = "";
  for (let top = 0; top < grid.height; top += tile) {
    for (let left = 0; left < grid.width; left += tile) {
      tiles.push({ sizes: [large, grid], crop: { left, top, ...square } });
      prompt += `${around}<row_${top / tile + 1}_col_${left / tile + 1}>${images}`;
    }
    prompt += "\n";
  }
  return { tokens: tokens * (tiles.length + 1), prompt: `${prompt}\n${end}`, tiles: [...tiles, whole] };
}
