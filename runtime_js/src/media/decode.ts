/** Decodes pictures with the browser's own decoders: upright, in the file's own numbers (no color profile), on white. */

import { RequestValidationError } from "../support/errors.ts";
import { isComplete } from "./complete.ts";
import { firstFrame, gifSize } from "./gif.ts";
import { Bytes } from "./bytes.ts";
import { readHeader, type Format } from "./header.ts";
import type { Size } from "./picture.ts";
import { isPixels, rgbOf, type Pixels } from "./pixels.ts";
import { readPng } from "./png.ts";
import { Rgb, type PixelSource } from "./rgb.ts";

/** What this thread can draw. */
export type Drawable = ImageBitmap | VideoFrame;
export type PictureData = Blob | Drawable | Pixels;

/** More than any camera's; in memory four bytes each. */
const MAX_PIXELS = 2 ** 27;
const MAX_FILE = 2 ** 27;
const MAX_EDGE = 65_535;
/** Rows that are drawn at a time have as many pixels at most. */
const STRIP_PIXELS = 2 ** 20;

const READ: readonly Format[] = ["PNG", "JPEG", "WebP", "GIF", "BMP", "AVIF"];

const refuse = (message: string): RequestValidationError => new RequestValidationError(message);

const megapixels = (count: number): string => `${Math.round(count / 1e6)} megapixels`;

function checkSize(width: number, height: number, what: string): void {
  if (width < 1 || height < 1) throw refuse(`${what} is ${width} × ${height} pixels: there is nothing to see. Take another picture.`);
  if (width > MAX_EDGE || height > MAX_EDGE || width * height > MAX_PIXELS) {
    throw refuse(`${what} is ${width} × ${height} pixels; at most ${megapixels(MAX_PIXELS)} are read, ${MAX_EDGE} a side. Make it smaller first.`);
  }
}

const DAMAGED = "Take another one, or save it anew as PNG or JPEG.";

/** Raises RequestValidationError where the file is no picture that is read here, before anything decodes it. */
async function checkFile(file: Blob): Promise<{ readonly format: Format; readonly bytes: Bytes }> {
  if (file.size === 0) throw refuse("The picture's file is empty. Take another one.");
  if (file.size > MAX_FILE) throw refuse(`The picture's file has ${file.size} bytes; at most ${MAX_FILE} are read. Make it smaller first.`);
  const bytes = new Bytes(new Uint8Array(await file.arrayBuffer()));
  const { format, width = NaN, height = NaN } = readHeader(bytes);
  const known = READ.find((name) => name === format);
  if (known === undefined) throw refuse(`${format === undefined ? "The file is no picture that is known here" : `Pictures in ${format} are not read`}; take ${READ.join(", ")}.`);
  if (Number.isNaN(width * height)) throw refuse(`The ${known} file is damaged: it does not say how large its picture is. ${DAMAGED}`);
  checkSize(width, height, `The ${known} file says that its picture`);
  if (!isComplete(known, bytes, { width, height })) throw refuse(`The ${known} file is damaged or not whole. ${DAMAGED}`);
  return { format: known, bytes };
}

/** What is read here of a file, or else what the browser makes of it. */
async function decoded(file: Blob): Promise<Rgb | ImageBitmap> {
  const hasBrowser = typeof createImageBitmap !== "undefined";
  const { format, bytes } = await checkFile(file);
  const own = format === "PNG" ? await readPng(bytes, !hasBrowser) : undefined;
  if (own !== undefined) return own;
  if (hasBrowser) return format === "GIF" ? placed(await drawable(file), bytes) : drawable(file);
  throw refuse(`Outside of browsers only PNG files are read, and this is ${format === "PNG" ? "a damaged one, or one of more than 16 megapixels" : `one in ${format}`}. `
    + "Save it as PNG, or give its pixels, { data, width, height }, as a decoder has them.");
}

async function drawable(data: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(data, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch (error) {
    throw new RequestValidationError(`The picture's file is damaged, or this browser does not read its kind. ${DAMAGED}`, { reason: String(error) });
  }
}

/** The whole screen of a GIF, of which Firefox decodes its first picture alone; around that is nothing, as in other browsers. */
function placed(image: ImageBitmap, bytes: Bytes): ImageBitmap {
  const { width, height } = gifSize(bytes);
  const { left, top } = firstFrame(bytes) ?? { left: 0, top: 0 };
  const canvas = new OffscreenCanvas(width, height);
  const context = image.width === width && image.height === height ? null : canvas.getContext("2d");
  if (context === null) return image;
  context.drawImage(image, left, top);
  image.close();
  return canvas.transferToImageBitmap();
}

/** Draws some rows at a time, so that the pixels of a large picture are in memory once, as the browser has them. */
class Drawn implements PixelSource {
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #strip: number;

  constructor(readonly width: number, readonly height: number, readonly image: Drawable) {
    this.#strip = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)));
    const context = new OffscreenCanvas(width, this.#strip).getContext("2d", { willReadFrequently: true, alpha: false });
    if (context === null) throw new RequestValidationError("This browser gives no canvas to read a picture from. Reload the page.");
    this.#context = context;
    context.imageSmoothingEnabled = false;
    context.fillStyle = "white";
  }

  rows(top: number, count: number): Uint8Array {
    const rgb = new Uint8Array(3 * this.width * count);
    for (let done = 0; done < count; done += this.#strip) {
      const some = Math.min(this.#strip, count - done);
      this.#context.fillRect(0, 0, this.width, some);
      this.#context.drawImage(this.image, 0, top + done, this.width, some, 0, 0, this.width, some);
      const { data } = this.#context.getImageData(0, 0, this.width, some);
      for (let from = 0, to = 3 * this.width * done; from < data.length; from += 4, to += 3) {
        rgb[to] = data[from] ?? 0;
        rgb[to + 1] = data[from + 1] ?? 0;
        rgb[to + 2] = data[from + 2] ?? 0;
      }
    }
    return rgb;
  }
}

function sizeOf(image: Drawable): Size {
  return "displayWidth" in image ? { width: image.displayWidth, height: image.displayHeight } : image;
}

/** What `use` makes of the picture's pixels, which are given back behind it. Raises RequestValidationError where it cannot be read. */
export async function withPixels<T>(data: PictureData, use: (source: PixelSource) => Promise<T>): Promise<T> {
  if (isPixels(data)) {
    checkSize(data.width, data.height, "The picture");
    return use(rgbOf(data));
  }
  const image = data instanceof Blob ? await decoded(data) : data;
  if (image instanceof Rgb) return use(image);
  try {
    const { width, height } = sizeOf(image);
    checkSize(width, height, "The picture");
    return await use(new Drawn(width, height, image));
  } finally {
    image.close();
  }
}
