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

/** What is beyond the source is black, or of that colour. */
export function crop(source: PixelSource, left: number, top: number, { width, height }: Size, background?: readonly number[]): Rgb {
  const [first, begin] = [Math.max(top, 0), Math.max(left, 0)];
  const [last, end] = [Math.min(top + height, source.height), Math.min(left + width, source.width)];
  const data = new Uint8Array(3 * width * height);
  if (background?.some(Boolean) === true) for (let i = 0; i < data.length; i++) data[i] = background[i % 3] ?? 0;
  if (first >= last || begin >= end) return new Rgb(width, height, data);
  const rows = source.rows(first, last - first);
  for (let row = first; row < last; row++) {
    const line = 3 * source.width * (row - first);
    data.set(rows.subarray(line + 3 * begin, line + 3 * end), 3 * (width * (row - top) + begin - left));
  }
  return new Rgb(width, height, data);
}

/** The picture in the middle of a square of that colour. */
export function squared(source: PixelSource, background: readonly number[]): PixelSource {
  const side = Math.max(source.width, source.height);
  const [left, above] = [Math.floor((side - source.width) / 2), Math.floor((side - source.height) / 2)];
  return { width: side, height: side, rows: (top, count) => crop(source, -left, top - above, { width: side, height: count }, background).data };
}

/** Upright. orientation: as EXIF tells it; what is none there changes nothing. */
export function upright(rgb: Rgb, orientation: number): Rgb {
  if (!(orientation >= 2 && orientation <= 8)) return rgb;
  const isTurned = orientation >= 5;
  const [isFlipped, isUpsideDown] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  const [width, height] = isTurned ? [rgb.height, rgb.width] : [rgb.width, rgb.height];
  const data = new Uint8Array(rgb.data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = isTurned ? [y, x] : [x, y];
      const from = 3 * ((isUpsideDown ? rgb.height - 1 - row : row) * rgb.width + (isFlipped ? rgb.width - 1 - column : column));
      for (let c = 0; c < 3; c++) data[to++] = rgb.data[from + c] ?? 0;
    }
  }
  return new Rgb(width, height, data);
}
