/** Pictures as rows of pixels, three bytes each. */

import type { Size } from "./picture.ts";

/** A picture that may be too large to be in memory as a whole. */
export interface PixelSource extends Size {
  /** Red, green and blue of some rows: uint8[count, width, 3]. */
  rows(top: number, count: number): Uint8Array;
}

export class Rgb implements PixelSource {
  /** data: uint8[height, width, 3]. */
  constructor(readonly width: number, readonly height: number, readonly data: Uint8Array<ArrayBuffer>) {}

  rows(top: number, count: number): Uint8Array {
    return this.data.subarray(3 * this.width * top, 3 * this.width * (top + count));
  }
}

export function crop(source: PixelSource, left: number, top: number, { width, height }: Size): Rgb {
  const rows = source.rows(top, height);
  const data = new Uint8Array(3 * width * height);
  for (let row = 0; row < height; row++) {
    const begin = 3 * (row * source.width + left);
    data.set(rows.subarray(begin, begin + 3 * width), 3 * width * row);
  }
  return new Rgb(width, height, data);
}
