/** The thread that reads pictures and sounds, so that neither a page nor its engine waits for one. */

import { toWire, type WireError } from "../support/errors.ts";
import { withPixels, type PictureData } from "./decode.ts";
import type { Detail, Picture } from "./picture.ts";
import { makePicture } from "./process.ts";
import type { ProcessorSettings } from "./settings.ts";
import { readSound } from "./sound/picture.ts";
import type { SoundSettings } from "./sound/settings.ts";

/** What it is asked, and says. Both sides are of one build, so neither checks the other. */
export type Order =
  | { readonly sense: "sight"; readonly data: PictureData; readonly settings: ProcessorSettings; readonly detail: Detail }
  | { readonly sense: "hearing"; readonly data: Blob; readonly settings: SoundSettings };
export type Reply = "ready" | { readonly id: number; readonly picture: Picture } | { readonly id: number; readonly error: WireError };

export function read(order: Order): Promise<Picture> {
  if (order.sense === "hearing") return readSound(order.data, order.settings);
  return withPixels(order.data, (source) => makePicture(source, order.settings, order.detail));
}

function buffers({ tiles }: Picture): ArrayBuffer[] {
  return tiles.flatMap(({ patches, positions, taps, factors, present, windows }) => [patches, positions, taps, factors, present, windows?.order, windows?.ends].flatMap((part) => part?.buffer ?? []));
}

export function serveReading(): void {
  const reply = (message: Reply, transfer: Transferable[] = []): void => globalThis.postMessage(message, { transfer });
  let last: Promise<unknown> = Promise.resolve(); // one after the other: each is large
  globalThis.addEventListener("message", ({ data: { id, order } }: MessageEvent<{ readonly id: number; readonly order: Order }>) => {
    last = last.then(() => read(order)).then(
      (picture) => reply({ id, picture }, buffers(picture)), (error: unknown) => reply({ id, error: toWire(error) }));
  });
  reply("ready");
}
