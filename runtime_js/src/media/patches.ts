/** The pixels of a tile as its tower takes them. */

import type { Tile } from "./picture.ts";
import type { Rgb } from "./rgb.ts";
import type { ProcessorSettings } from "./settings.ts";
import { tableTaps } from "./table.ts";

/** float32[3, 256]: what each byte of red, green and blue becomes, operation by operation as the reference does. */
function normalised({ mean, std, rescale }: ProcessorSettings): Float32Array {
  const scale = Math.fround(1 / rescale);
  const values = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    const middle = Math.fround(Math.fround(mean[channel] ?? 0) * scale);
    const width = Math.fround(Math.fround(std[channel] ?? 1) * scale);
    for (let byte = 0; byte < 256; byte++) values[256 * channel + byte] = Math.fround(byte - middle) / width;
  }
  return values;
}

/** A square of pixels, whose channels come one behind the other. A picture has millions: they are read once, in their order. */
function fillPatch(into: Float32Array, begin: number, values: Float32Array, data: Uint8Array, first: number, line: number, side: number): void {
  const area = side * side;
  let out = begin;
  for (let row = 0; row < side; row++) {
    let at = first + row * line;
    for (const end = at + 3 * side; at < end; at += 3, out++) {
      into[out] = values[data[at] ?? 0] ?? 0;
      into[out + area] = values[256 + (data[at + 1] ?? 0)] ?? 0;
      into[out + 2 * area] = values[512 + (data[at + 2] ?? 0)] ?? 0;
    }
  }
}

/** The blocks of a picture in the order in which they come: row by row, or window by window. */
function blockOrder(rows: number, columns: number, window: number | undefined): { readonly order: Int32Array<ArrayBuffer>; readonly ends: number[] } {
  const order = new Int32Array(rows * columns);
  const ends: number[] = [];
  const [high, wide] = window === undefined ? [rows, columns] : [window, window];
  let at = 0;
  for (let top = 0; top < rows; top += high) {
    for (let left = 0; left < columns; left += wide) {
      for (let row = top; row < Math.min(top + high, rows); row++) {
        for (let column = left; column < Math.min(left + wide, columns); column++) order[at++] = row * columns + column;
      }
      ends.push(at);
    }
  }
  return { order, ends };
}

/** int32[patches, 2]: row and column of each, block by block in that order. */
function patchPositions(order: Int32Array, columns: number, merge: number): Int32Array<ArrayBuffer> {
  const positions = new Int32Array(2 * order.length * merge * merge);
  let at = 0;
  for (const block of order) {
    for (let i = 0; i < merge * merge; i++) {
      positions[at++] = Math.trunc(block / columns) * merge + Math.trunc(i / merge);
      positions[at++] = (block % columns) * merge + (i % merge);
    }
  }
  return positions;
}

/** With a place before them. */
function behindOne(positions: Int32Array): Int32Array<ArrayBuffer> {
  const all = new Int32Array(positions.length + 2);
  all.set(positions, 2);
  return all;
}

/** pixels: whole blocks, and perhaps a rest that makes no patch. */
export function makeTile(pixels: Rgb, settings: ProcessorSettings): Tile {
  const { patch, merge, table } = settings;
  const grid = [Math.floor(pixels.height / patch), Math.floor(pixels.width / patch)] as const;
  const window = settings.kind === "qwen" ? settings.window : undefined;
  const { order, ends } = blockOrder(grid[0] / merge, grid[1] / merge, window);
  const isClassed = table?.kind === "class";
  const placed = patchPositions(order, grid[1] / merge, merge);
  const positions = isClassed ? behindOne(placed) : placed;
  const count = positions.length / 2;
  const width = 32 * Math.ceil((3 * patch * patch) / 32);
  const patches = new Float32Array(count * width);
  const line = 3 * pixels.width;
  const values = normalised(settings);
  for (let i = isClassed ? 1 : 0; i < count; i++) {
    fillPatch(patches, i * width, values, pixels.data, patch * ((positions[2 * i] ?? 0) * line + 3 * (positions[2 * i + 1] ?? 0)), line, patch);
  }
  const skipped = settings.kind === "siglip" ? settings.skip : 0;
  return {
    grid, tokens: order.length + (isClassed ? 1 : 0) - skipped, ...(skipped > 0 && { skipped }), patches, positions, ...(table && tableTaps(table, grid, positions)),
    ...(window === undefined ? {} : { windows: { order, ends: Int32Array.from(ends, (end) => end * merge ** 2) } }),
  };
}
