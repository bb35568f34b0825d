/** What models read alike. */

import { isRecord, type Fields } from "../../support/fields.ts";

export function readIds(model: Fields): Map<string, number> {
  const vocabulary: unknown = model.raw("vocab");
  if (!isRecord(vocabulary)) throw new Error("model.vocab does not map tokens to ids");
  const ids = new Map<string, number>();
  for (const token of Object.keys(vocabulary)) {
    const id = vocabulary[token];
    if (typeof id !== "number") throw new Error(`model.vocab gives ${token} no id`);
    ids.set(token, id);
  }
  return ids;
}

const ENCODER = new TextEncoder();

/** The 256 ids of `<0xNN>`; undefined where a vocabulary has not all. */
export function readBytes(ids: ReadonlyMap<string, number>): readonly number[] | undefined {
  const bytes = Array.from({ length: 256 }, (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`));
  const known = bytes.filter((id) => id !== undefined);
  return known.length === bytes.length ? known : undefined;
}

export function bytesOf(text: string): Uint8Array {
  return ENCODER.encode(text);
}
