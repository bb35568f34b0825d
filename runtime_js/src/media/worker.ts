/** The thread that reads pictures, so that no page waits for one. */

import { toWire, type WireError } from "../support/errors.ts";
import { withPixels, type PictureData } from "./decode.ts";
import type { Detail, Picture } from "./picture.ts";
import { makePicture } from "./process.ts";
import type { ProcessorSettings } from "./settings.ts";

/** What it is asked, and says. Both sides are of one build, so neither checks the other. */
export interface PictureOrder {
  readonly id: number;
  readonly data: PictureData;
  readonly settings: ProcessorSettings;
  readonly detail: Detail;
}
export type PictureReply = "ready" | { readonly id: number; readonly picture: Picture } | { readonly id: number; readonly error: WireError };

export const read = ({ data, settings, detail }: Omit<PictureOrder, "id">): Promise<Picture> => withPixels(data, (source) => makePicture(source, settings, detail));

function buffers({ tiles }: Picture): ArrayBuffer[] {
  return tiles.flatMap(({ patches, positions, taps, factors, windows }) => [patches, positions, taps, factors, windows?.order, windows?.ends].flatMap((part) => part?.buffer ?? []));
}

export function servePictures(): void {
  const reply = (message: PictureReply, transfer: Transferable[] = []): void => globalThis.postMessage(message, { transfer });
  let last: Promise<unknown> = Promise.resolve(); // one after the other: each is large
  globalThis.addEventListener("message", ({ data: { id, ...order } }: MessageEvent<PictureOrder>) => {
    last = last.then(() => read(order)).then(
      (picture) => reply({ id, picture }, buffers(picture)), (error: unknown) => reply({ id, error: toWire(error) }));
  });
  reply("ready");
}
