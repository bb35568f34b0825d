/** Pictures as a request has them. */

import type { Drawable, PictureData } from "./decode.ts";
import type { Detail } from "./picture.ts";
import { isPixels } from "./pixels.ts";

export const DETAILS: readonly Detail[] = ["low", "high", "auto"];

/** What shows a picture on a page, and changes. */
export type OnPage = HTMLCanvasElement | OffscreenCanvas | HTMLImageElement | HTMLVideoElement;

/** Of these not every environment has all. */
const ON_PAGE = ["HTMLCanvasElement", "OffscreenCanvas", "HTMLImageElement", "HTMLVideoElement"];
const DRAWN = ["ImageBitmap", "VideoFrame"];

/** A picture itself: encoded, decoded, or on a page. */
export type PictureInput = PictureData | OnPage;

/** A picture, or its address: `data:`, `blob:`, or of the network. */
export interface PictureSource {
  readonly data: string | PictureInput;
  /** Default: "auto". */
  readonly detail?: Detail | undefined;
  /** The part of the request that it came with, for errors: "messages[2].content[0]". */
  readonly path: string;
}

/** A sound: a file, which any thread may have without a copy. Samples are a WAV file's. */
export interface SoundSource {
  readonly kind: "sound";
  readonly data: Blob;
  readonly path: string;
}

/** What a message shows or plays beside its text. */
export type MediaInput = PictureSource | SoundSource;

/** What a model may have beside its text, in a part of its own. */
export const SENSES = ["sight", "hearing"] as const;
export type SenseName = (typeof SENSES)[number];

export function isSound(source: MediaInput): source is SoundSource {
  return "kind" in source;
}

/** Stands in a message's text for the next of its pictures and sounds: a noncharacter of Unicode, which no text has. */
export const PICTURE = "\u{fdd1}";

/** A text in which nothing stands for a picture. */
export function withoutPictures(text: string): string {
  return text.replaceAll(PICTURE, "");
}

function isOneOf(value: unknown, names: readonly string[]): boolean {
  return names.some((name) => {
    const constructor: unknown = Reflect.get(globalThis, name);
    return typeof constructor === "function" && value instanceof constructor;
  });
}

export function isOnPage(value: unknown): value is OnPage {
  return isOneOf(value, ON_PAGE);
}

/** Whether it takes memory until it is closed, which can be handed to another thread. */
export function isDrawn(value: unknown): value is Drawable {
  return isOneOf(value, DRAWN);
}

/** Whether another thread can be sent it. */
export function isSendable(value: unknown): value is PictureData {
  return value instanceof Blob || isDrawn(value) || isPixels(value);
}
