/** Pictures that somebody shows to the model, as they are kept and exported. Those of files that are imported come from anywhere. */

import { base64, fromBase64 } from "../support/base64.ts";
import type { Fields } from "../support/fields.ts";
import type { Picture } from "../view/message.ts";

/** Of a message. */
export const MAX_PICTURES = 20;
export const MAX_PICTURE_BYTES = 1 << 24;
const MAX_NAME = 1000;
export const MAX_DESCRIPTION = 2000;

/** What browsers read; a drawing with scripts is none of these. */
const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"];
export const PICTURE_TYPES = TYPES.join(",");

export function isPictureFile({ type }: Blob): boolean {
  return /^image[/]/.test(type);
}

/** A picture of a message: its file, or what `exported` made of that. Raises the error of the fields. */
export function readPicture(picture: Fields): Picture {
  const description = picture.optional("description", (key) => picture.string(key, MAX_DESCRIPTION));
  return { name: picture.string("name", MAX_NAME), data: readData(picture), ...(description !== undefined && { description }) };
}

function readData(picture: Fields): Blob {
  const data = picture.raw("data");
  if (data instanceof Blob && data.size <= MAX_PICTURE_BYTES) return data;
  const url = picture.string("data", 2 * MAX_PICTURE_BYTES);
  const [, type = "", text = ""] = /^data:([a-z]+[/][a-z]+);base64,([A-Za-z0-9+/]*={0,2})$/.exec(url) ?? [];
  if (!TYPES.includes(type)) throw picture.wrong("data", `a data URL in base64 of the type ${TYPES.join(" or ")}`);
  return new Blob([fromBase64(text)], { type });
}

/** As JSON has it. */
export async function exported({ data, ...said }: Picture): Promise<object> {
  return { ...said, data: `data:${TYPES.includes(data.type) ? data.type : "image/png"};base64,${base64(new Uint8Array(await data.arrayBuffer()))}` };
}
