/** Pictures and sounds that somebody gives to the model, as they are kept and exported. Those of files that are imported come from anywhere. */

import { base64, fromBase64 } from "../support/base64.ts";
import type { Fields } from "../support/fields.ts";
import type { MediaFile } from "../view/message.ts";

/** Of each kind, of a message. */
export const MAX_MEDIA = 20;
/** Of a sound: what a browser decodes of one in a stroke. */
export const MAX_BYTES: Readonly<Record<MediaKind, number>> = { picture: 1 << 24, sound: 1 << 23 };
const MAX_NAME = 1000;
export const MAX_DESCRIPTION = 2000;

/** What browsers read; a drawing with scripts is none of these. Sounds are kept as what every browser and every engine reads. */
const TYPES = { picture: ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"], sound: ["audio/wav"] } as const;
export type MediaKind = keyof typeof TYPES;

/** By which a system offers files for choice. */
export const OFFERED: Readonly<Record<MediaKind, string>> = { picture: TYPES.picture.join(","), sound: "audio/*" };

/** What a file says that it is; undefined for another. */
export function kindOf({ type }: Blob): MediaKind | undefined {
  return type.startsWith("image/") ? "picture" : /^(?:audio[/]|application[/]ogg$)/.test(type) ? "sound" : undefined;
}

export function isKept(kind: MediaKind, { type }: Blob): boolean {
  return TYPES[kind].some((kept) => kept === type);
}

/** A file of a message: itself, or what `exported` made of it. Raises the error of the fields. */
export function readMedia(file: Fields, kind: MediaKind): MediaFile {
  const description = file.optional("description", (key) => file.string(key, MAX_DESCRIPTION));
  return { name: file.string("name", MAX_NAME), data: readData(file, kind), ...(description !== undefined && { description }) };
}

function readData(file: Fields, kind: MediaKind): Blob {
  const data = file.raw("data");
  if (data instanceof Blob && data.size <= MAX_BYTES[kind]) return data;
  const url = file.string("data", 2 * MAX_BYTES[kind]);
  const [, type = "", text = ""] = /^data:([a-z]+[/][a-z]+);base64,([A-Za-z0-9+/]*={0,2})$/.exec(url) ?? [];
  const read = new Blob([fromBase64(text)], { type });
  if (!isKept(kind, read)) throw file.wrong("data", `a data URL in base64 of the type ${TYPES[kind].join(" or ")}`);
  return read;
}

/** As JSON has it. */
export async function exported(kind: MediaKind, { data, ...said }: MediaFile): Promise<object> {
  return { ...said, data: `data:${isKept(kind, data) ? data.type : TYPES[kind][0]};base64,${base64(new Uint8Array(await data.arrayBuffer()))}` };
}
