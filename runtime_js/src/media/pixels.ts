/** Pictures that somebody has decoded already: an ImageData, or what a decoder outside of browsers gives. */

import { RequestValidationError } from "../support/errors.ts";
import type { Size } from "./picture.ts";
import { Rgb } from "./rgb.ts";

/** Red, green and blue of each pixel, row by row, with or without its alpha. */
export interface Pixels extends Size {
  readonly data: Uint8Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>;
}

export function isPixels(value: unknown): value is Pixels {
  if (typeof value !== "object" || value === null || !("data" in value && "width" in value && "height" in value)) return false;
  return (value.data instanceof Uint8Array || value.data instanceof Uint8ClampedArray) && typeof value.width === "number" && typeof value.height === "number";
}

/** On white. Raises RequestValidationError where there are not as many bytes as pixels. */
export function rgbOf({ width, height, data }: Pixels): Rgb {
  const count = width * height;
  const isWhole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!isWhole || (data.length !== 3 * count && data.length !== 4 * count)) {
    throw new RequestValidationError(`The picture has ${data.length} bytes for ${width} × ${height} pixels: give three for each, red, green and blue, or four with its alpha.`);
  }
  if (data.length === 3 * count) return new Rgb(width, height, new Uint8Array(data.buffer, data.byteOffset, data.length));
  const rgb = new Uint8Array(3 * count);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const alpha = (data[from + 3] ?? 0) / 255;
    for (let c = 0; c < 3; c++) rgb[to++] = Math.round((data[from + c] ?? 0) * alpha + 255 * (1 - alpha));
  }
  return new Rgb(width, height, rgb);
}
