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

/** The tokens of a text's bytes, which are `<0xNN>`; undefined where the vocabulary has not all of these. */
export type BytesOf = (text: string) => readonly number[] | undefined;

/** With nothing for a vocabulary that falls back to no bytes. */
export function readBytes(model: Fields, ids: ReadonlyMap<string, number>): BytesOf {
  if (model.raw("byte_fallback") !== true) return () => undefined;
  const known = Array.from({ length: 256 }, (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`));
  return (text) => {
    const tokens: number[] = [];
    for (const byte of ENCODER.encode(text)) {
      const token = known[byte];
      if (token === undefined) return undefined;
      tokens.push(token);
    }
    return tokens;
  };
}
