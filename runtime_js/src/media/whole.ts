/** Pictures that a model takes as a whole, of the size that its rules give: SiglipImageProcessor (Gemma 3), Qwen2VLImageProcessor, Gemma4ImageProcessor. */

import { RequestValidationError } from "../support/errors.ts";
import { MAX_PICTURE_SIDE } from "../support/limits.generated.ts";
import { layoutAnyres } from "./anyres.ts";
import type { Layout, Size } from "./picture.ts";
import type { Gemma4, Qwen, Siglip } from "./settings.ts";

/** A side against the other; beyond, Qwen's processor refuses. */
const MOST_RATIO = 200;
/** Pixels a side of a square that a picture is put into, before it is resized. */
const MOST_SQUARED = 2 ** 14;

/** As Python rounds: halves to the even number. */
export function round(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** One tile that is the picture in that size, or its middle; in a square first, where a background is told. */
export function siglipLayout(settings: Siglip, picture: Size, low: boolean): Layout {
  const { shortest, skip, table, image, before, after, background } = settings;
  const { width, height } = background === undefined ? picture : squareOf(picture);
  const whole = wholeLayout(settings, { width: settings.width, height: settings.height });
  const tokens = whole.tokens + (table?.kind === "class" ? 1 : 0) - skip;
  const own = { tokens, prompt: `${before}${image.repeat(tokens)}${after}`, background };
  if (shortest === undefined) {
    const square = { ...whole, ...own };
    return settings.grids.length === 0 ? square : layoutAnyres(settings, square, { width, height }, low);
  }
  const longest = Math.floor((shortest * Math.max(width, height)) / Math.min(width, height));
  if (longest > MAX_PICTURE_SIDE) throw new RequestValidationError(`a picture of ${width} × ${height} pixels is too thin for this model`);
  const size = width < height ? { width: shortest, height: longest } : { width: longest, height: shortest };
  const middle = (side: number, all: number): number => Math.floor((all - side) / 2);
  const crop = { left: middle(settings.width, size.width), top: middle(settings.height, size.height), width: settings.width, height: settings.height };
  return { ...own, tiles: [{ sizes: [size], crop }] };
}

/** Around a picture. */
function squareOf({ width, height }: Size): Size {
  const side = Math.max(width, height);
  if (side <= MOST_SQUARED) return { width: side, height: side };
  throw new RequestValidationError(`The picture is ${width} × ${height} pixels: this model takes none with a side of more than ${MOST_SQUARED}. Make it smaller first.`);
}

/** One tile that is the picture in that size. */
export function wholeLayout({ image, before, after, patch, merge }: Siglip | Qwen | Gemma4, size: Size): Layout {
  const tokens = (Math.floor(size.width / patch) * Math.floor(size.height / patch)) / merge ** 2;
  return { tokens, prompt: `${before}${image.repeat(tokens)}${after}`, tiles: [{ sizes: [size], crop: { left: 0, top: 0, ...size } }] };
}

/** Multiples of `factor` near the picture's own size, with about its shape, between two numbers of pixels. */
export function smartResize({ width, height }: Size, factor: number, least: number, most: number, smallest: number): Size {
  const near = (size: number): number => Math.max(smallest, round(size / factor) * factor);
  const pixels = near(width) * near(height);
  if (pixels > most) {
    const shrink = Math.sqrt((height * width) / most);
    const down = (size: number): number => Math.max(factor, Math.floor(size / shrink / factor) * factor);
    return { width: down(width), height: down(height) };
  }
  if (pixels < least) {
    const grow = Math.sqrt(least / (height * width));
    const up = (size: number): number => Math.ceil((size * grow) / factor) * factor;
    return { width: up(width), height: up(height) };
  }
  return { width: near(width), height: near(height) };
}

export function layoutQwen(settings: Qwen, size: Size): Layout {
  const { width, height } = size;
  if (Math.max(width, height) / Math.min(width, height) > MOST_RATIO) {
    throw new RequestValidationError(`The picture is ${width} × ${height} pixels: this model takes none whose one side is more than ${MOST_RATIO} times the other. Cut it.`);
  }
  return wholeLayout(settings, smartResize(size, settings.patch * settings.merge, settings.leastPixels, settings.mostPixels, 0));
}

export function layoutGemma4(settings: Gemma4, { width, height }: Size): Layout {
  const block = settings.patch * settings.merge;
  const scale = Math.sqrt((settings.mostTokens * block ** 2) / (height * width));
  const down = (size: number): number => Math.floor((scale * size) / block) * block;
  const most = settings.mostTokens * block;
  /** Of a strip one block wide, whose other side is so many times as long. */
  const strip = (ratio: number): number => Math.min(Math.floor(ratio) * block, most);
  if (down(height) === 0) return wholeLayout(settings, { width: strip(width / height), height: block });
  if (down(width) === 0) return wholeLayout(settings, { width: block, height: strip(height / width) });
  return wholeLayout(settings, { width: down(width), height: down(height) });
}
