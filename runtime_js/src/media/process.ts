/** From a picture's pixels to what a model takes of it. */

import { fromBase64 } from "../support/base64.ts";
import { canHash, sha256 } from "../support/digest.ts";
import { layoutIdefics3 } from "./idefics3.ts";
import { layoutNaflex } from "./naflex.ts";
import { makeTile } from "./patches.ts";
import type { Detail, Layout, Picture, Size } from "./picture.ts";
import { resize } from "./resample.ts";
import { crop, squared, type PixelSource, type Rgb } from "./rgb.ts";
import type { Filter, ProcessorSettings } from "./settings.ts";
import { layoutGemma4, layoutQwen, siglipLayout } from "./whole.ts";

/** Tokens of a picture that is asked for in low detail, where its model takes any number. */
const LOW_TOKENS = 256;
/** The smallest number that Gemma 4 knows. */
const LOW_GEMMA4_TOKENS = 70;

/** What becomes of a picture of that size. Raises RequestValidationError where its shape is none that the model takes. */
export function layout(settings: ProcessorSettings, size: Size, detail: Detail): Layout {
  const low = detail === "low";
  switch (settings.kind) {
    case "idefics3": return layoutIdefics3(low ? { ...settings, split: false } : settings, size);
    case "naflex": return layoutNaflex(low ? { ...settings, split: false } : settings, size);
    case "siglip": return siglipLayout(settings, size, low);
    case "qwen": {
      const most = Math.min(settings.mostPixels, low ? LOW_TOKENS * (settings.patch * settings.merge) ** 2 : Infinity);
      return layoutQwen({ ...settings, mostPixels: most, leastPixels: Math.min(settings.leastPixels, most) }, size);
    }
    case "gemma4": return layoutGemma4(low ? { ...settings, mostTokens: Math.min(settings.mostTokens, LOW_GEMMA4_TOKENS) } : settings, size);
  }
}

/** The pixels of each tile. What several are made of is made once. */
export function tilePixels(picture: PixelSource, { tiles, background }: Layout, filter: Filter): Rgb[] {
  const source = background === undefined ? picture : squared(picture, background);
  const made = new Map<string, PixelSource>();
  const follow = (sizes: readonly Size[]): PixelSource => {
    const size = sizes.at(-1);
    if (size === undefined) return source;
    const key = JSON.stringify(sizes);
    const known = made.get(key);
    if (known !== undefined) return known;
    const from = follow(sizes.slice(0, -1));
    const sized = from.width === size.width && from.height === size.height ? from : resize(from, size, filter);
    made.set(key, sized);
    return sized;
  };
  return tiles.map(({ sizes, crop: { left, top, ...size } }) => crop(follow(sizes), left, top, size));
}

/** Of what has fewer pixels: the picture, of which tiles follow from their layout, or its tiles. */
async function hash(source: PixelSource, { tiles: plan }: Layout, tiles: readonly Rgb[], settings: ProcessorSettings): Promise<string> {
  // Without a hash no two pictures are known to be equal, which costs time alone.
  if (!canHash()) return Array.from(crypto.getRandomValues(new Uint32Array(8)), (word) => word.toString(16)).join("-");
  const isSmaller = source.width * source.height < tiles.reduce((sum, { width, height }) => sum + width * height, 0);
  const sums = await Promise.all((isSmaller ? [crop(source, 0, 0, source)] : tiles).map(async ({ width, height, data }) => [width, height, await sha256(data)]));
  return sha256(new TextEncoder().encode(JSON.stringify([settings, plan, sums])));
}

/** Raises what `layout` raises. */
export async function makePicture(source: PixelSource, settings: ProcessorSettings, detail: Detail): Promise<Picture> {
  const plan = layout(settings, source, detail);
  const pixels = tilePixels(source, plan, settings.resample);
  const sum = hash(source, plan, pixels, settings); // by another thread, meanwhile
  const tiles = pixels.map((tile) => makeTile(tile, settings));
  const { tokens, prompt, rows } = plan;
  const newline = settings.kind === "siglip" ? settings.newline : "";
  return { hash: await sum, tokens, prompt, tiles, ...(rows && { order: { rows, newline: new Float32Array(fromBase64(newline).buffer) } }) };
}
