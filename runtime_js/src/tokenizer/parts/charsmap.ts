/**
 * SentencePiece's compiled table of replacements (https://github.com/google/sentencepiece/blob/master/src/normalizer.cc), as the tokenizers library
 * reads it: a double array of what is replaced (https://github.com/s-yata/darts-clone), behind it the texts that replace.
 */

import { fromBase64 } from "../../support/base64.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const ENCODER = new TextEncoder();
/** Bytes of the longest group of characters that is looked up as one. */
const LONGEST_GROUP = 5;
/**
 * Groups of characters that are one to a reader (https://unicode.org/reports/tr29/), as far as they may be that short: what is joined by other
 * rules, of Hangul, emoji, flags and consonants, is longer in any case.
 */
const PREFIXES = "\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u0d4e";
const NO_MARKS = "\\u102b\\u102c\\u1038\\u1062-\\u1064\\u1067-\\u106d\\u1083\\u1087-\\u108c\\u108f\\u109a-\\u109c\\u1a61\\u1a63\\u1a64\\uaa7b\\uaa7d";
const MARK = `[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\u200d\\u0e33\\u0eb3[\\p{Mc}--[${NO_MARKS}]]]`;
const CONTROL = `[[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]--[\\p{Grapheme_Extend}\\u200d${PREFIXES}]]`;
const GROUPS = new RegExp(`\\r\\n|[${PREFIXES}]+[^${CONTROL}]${MARK}*|[^${CONTROL}]${MARK}+`, "gv");
/** Characters and groups that are remembered. */
const MAX_KNOWN = 1 << 16;

class Charsmap {
  readonly #units: Uint32Array;
  readonly #texts: Uint8Array;
  /** By character or group; undefined where nothing replaces it. */
  readonly #known = new Map<string, string | undefined>();

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = bytes.length < 4 ? -1 : view.getUint32(0, true);
    if (size < 4 || size % 4 !== 0 || size > bytes.length - 4) throw new Error("the tokenizer's precompiled_charsmap is no table");
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#texts = bytes.subarray(4 + size);
  }

  /** What replaces the shortest beginning of a text that the table has. */
  #replacement(text: string): string | undefined {
    const unit = (at: number): number => this.#units[at] ?? 0;
    const offset = (value: number): number => (value >>> 10) << ((value & 0x200) >>> 6);
    let at = offset(unit(0));
    for (const byte of ENCODER.encode(text)) {
      if (byte === 0) break;
      at ^= byte;
      const value = unit(at);
      if ((value & 0x800000ff) !== byte) return undefined;
      at ^= offset(value);
      if ((value & 0x100) !== 0) return this.#textAt(unit(at) & 0x7fffffff);
    }
    return undefined;
  }

  #textAt(start: number): string {
    const end = this.#texts.indexOf(0, start);
    return DECODER.decode(this.#texts.subarray(start, end < 0 ? undefined : end));
  }

  of(text: string): string | undefined {
    if (this.#known.has(text)) return this.#known.get(text);
    const found = this.#replacement(text);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(text, found);
    return found;
  }
}

/** By the base64 of such a table. Raises Error for what is none. */
export function charsmapOf(base64: string): (text: string) => string {
  if (base64 === "") return (text) => text;
  const table = new Charsmap(fromBase64(base64));
  const single = (characters: string): string => {
    let out = "";
    for (const character of characters) out += table.of(character) ?? character;
    return out;
  };
  const group = (characters: string): string => (
    characters.length <= LONGEST_GROUP && ENCODER.encode(characters).length <= LONGEST_GROUP ? table.of(characters) : undefined) ?? single(characters);
  return (text) => {
    let [out, done] = ["", 0];
    GROUPS.lastIndex = 0;
    for (let found = GROUPS.exec(text); found !== null; found = GROUPS.exec(text)) {
      out += single(text.slice(done, found.index)) + group(found[0]);
      done = GROUPS.lastIndex;
    }
    return out + single(text.slice(done));
  };
}
