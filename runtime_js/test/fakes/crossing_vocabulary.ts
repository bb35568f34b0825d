/** A vocabulary whose tokens cross whatever matters in JSON, and grammars of it, by the real grammar engine. */

import bytesOfModule from "web-xgrammar:module";
import names from "web-xgrammar:names";
import { Grammars } from "../../src/engine/structure/grammars.ts";
import type { Structure } from "../../src/engine/structure/structure.ts";
import { randomAnswer, randomNumbers } from "./random_answer.ts";

export const END = 0;
/** Each byte, and tokens that cross what matters: quotes, escapes, characters of several bytes. */
const PIECES = [
  "ab", "abc", "hello ", "é", "日本", "\u{1f600}", "\u{1f600}\u{1f600}!", "x".repeat(20), " ".repeat(70), "\"a", "\"abc", "\"\"", "\"a\"", "a\"", "ab\"", "abc\", \"", "\",", "\", \"", "\"}", "\": \"", "\": \"a",
  "\\", "\\n", "\\\"", "\\\"a", "n\"", "\\u00", "\\u00e9", "e9\"", "\\\\", "\\\\\"", "{\"", "[\"", "\"]", "true", ": ", ", ", "said \"", "\"quoted\" ", "<c>", "</c>", "\u0001", "\u0001a",
];
const encoder = new TextEncoder();
const TOKENS: readonly Uint8Array[] = [
  new Uint8Array(), ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), ...PIECES.map((piece) => encoder.encode(piece)),
  Uint8Array.of(0xf0, 0x9f), Uint8Array.of(0x98, 0x80), Uint8Array.of(0x80, 0x22), Uint8Array.of(0x80, 0x41), Uint8Array.of(0x61, 0xe6), Uint8Array.of(0xed, 0xa0), Uint8Array.of(0xe0, 0x80), Uint8Array.of(0xf5, 0x80),
];
const ids = new Map(TOKENS.map((bytes, id) => [bytes.join(), id] as const));

/** The token that is this text. */
export function idOf(text: string): number {
  return ids.get(encoder.encode(text).join()) ?? -1;
}

/** Longest tokens first, as far as the vocabulary has them. */
export function encode(text: string): number[] {
  const bytes = encoder.encode(text);
  const tokens: number[] = [];
  for (let at = 0; at < bytes.length;) {
    let end = Math.min(bytes.length, at + 80);
    while (end > at + 1 && !ids.has(bytes.subarray(at, end).join())) end--;
    tokens.push(ids.get(bytes.subarray(at, end).join()) ?? -1);
    at = end;
  }
  return tokens;
}

export const grammars = new Grammars({ sha256: names.sha256, module: async () => bytesOfModule, vocabulary: () => ({ tokens: TOKENS, endTokenIds: [END] }), encode });
export function textOf(tokens: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(tokens.flatMap((token) => [...TOKENS[token] ?? []])));
}

/** Tokens that bring an answer to its end. */
export const CLOSERS = [END, ...["\"", "]", "}"].map(idOf)];

/** An answer of a model that knows nothing; undefined where it has not ended after `most` tokens. */
export async function randomText(structure: Structure, seed: number, closers: readonly number[] = CLOSERS, most = 3000): Promise<string | undefined> {
  const tokens = randomAnswer(await grammars.constraint(structure), randomNumbers(seed), closers, most);
  return tokens.at(-1) === END ? textOf(tokens) : undefined;
}
