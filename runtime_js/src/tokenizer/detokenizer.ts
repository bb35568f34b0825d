/** Turns token ids into text one at a time, in constant time per token, and never gives out half a character. */

import { ManifestError } from "../support/errors.ts";
import type { Fields } from "../support/fields.ts";
import type { AddedToken } from "./added_tokens.ts";

/**
 * How a vocabulary spells text: GPT-2's printable stand-ins for bytes, SentencePiece's `<0xNN>` and `▁` for a space, or BERT's words, which
 * have a space between them, and parts that go on with one behind a prefix.
 */
export type Spelling =
  | { readonly kind: "byte-level" }
  | { readonly kind: "byte-fallback"; readonly stripLeadingSpaces: number }
  | { readonly kind: "word-piece"; readonly prefix: string; readonly cleansUp: boolean; readonly stripLeadingSpaces: 1 };

/** Reads the `decoder` of a tokenizer.json. Raises ManifestError for kinds that are not built. */
export function readSpelling(tokenizerJson: Fields): Spelling {
  const decoder = tokenizerJson.object("decoder");
  const parts = Array.isArray(decoder.raw("decoders")) ? decoder.objects("decoders", 64, (part) => part) : [decoder];
  const types = parts.map((part) => part.string("type", 64));
  const part = (type: string): Fields | undefined => parts[types.indexOf(type)];
  if (part("ByteLevel") !== undefined) return { kind: "byte-level" };
  if (part("ByteFallback") !== undefined) return { kind: "byte-fallback", stripLeadingSpaces: part("Strip")?.integer("start", 0, 64) ?? 0 };
  const [spaces, words] = [part("Metaspace"), part("WordPiece")];
  if (spaces !== undefined) return { kind: "byte-fallback", stripLeadingSpaces: spaces.raw("prepend_scheme") === "never" ? 0 : 1 };
  if (words !== undefined) {
    return { kind: "word-piece", prefix: words.string("prefix", 64), cleansUp: words.raw("cleanup") !== false, stripLeadingSpaces: 1 };
  }
  throw new ManifestError(`The tokenizer's decoder (${types.join(", ")}) is not supported; supported are ByteLevel, ByteFallback, Metaspace and WordPiece.`);
}

/** GPT-2's table: printable Latin-1 stands for itself, the other bytes for code points from 256 on, in order. */
function byteLevelTable(): ReadonlyMap<string, number> {
  const isPrintable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) table.set(String.fromCodePoint(isPrintable(byte) ? byte : next++), byte);
  return table;
}

const BYTE_OF = byteLevelTable();
const ENCODER = new TextEncoder();

function byteLevelBytes(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTE_OF.get(character);
    if (byte === undefined) return ENCODER.encode(token); // not spelled in bytes
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function byteFallbackBytes(token: string): Uint8Array {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return byte === undefined ? ENCODER.encode(token.replaceAll("▁", " ")) : Uint8Array.of(Number.parseInt(byte, 16));
}

/** As the tokenizers library cleans up each token of BERT's. */
function wordPieceBytes(token: string, prefix: string, cleansUp: boolean): Uint8Array {
  const text = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
  return ENCODER.encode(cleansUp ? text.replace(/ (?=[.?!,]|n't|'m|'s|'ve|'re)/, "") : text);
}

export class Detokenizer {
  readonly #tokenOf: (id: number) => string | undefined;
  readonly #added: ReadonlyMap<number, AddedToken>;
  readonly #spelling: Spelling;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #leadingSpaces: number;

  constructor(tokenOf: (id: number) => string | undefined, added: readonly AddedToken[], spelling: Spelling) {
    this.#tokenOf = tokenOf;
    this.#added = new Map(added.map((token) => [token.id, token]));
    this.#spelling = spelling;
    this.#leadingSpaces = spelling.kind === "byte-level" ? 0 : spelling.stripLeadingSpaces;
  }

  /** The text that is certain with this token: whole characters; bytes of an unfinished one wait for the next token. */
  push(id: number): string {
    const bytes = this.bytesOf(id);
    return bytes === undefined ? "" : this.#strip(this.#decoder.decode(bytes, { stream: true }));
  }

  /** A token's part of a text in UTF-8; undefined for one that has none. */
  bytesOf(id: number): Uint8Array | undefined {
    const added = this.#added.get(id);
    const token = added?.isSpecial ? undefined : added?.content ?? this.#tokenOf(id);
    return token === undefined ? undefined : this.#bytes(token, added !== undefined);
  }

  /** A token's text alone: of one that has none in a text, its name. */
  nameOf(id: number): string {
    const bytes = this.bytesOf(id);
    return bytes === undefined ? this.#added.get(id)?.content ?? "" : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  /** An added token of a byte-level vocabulary is plain text, whichever letters it has. */
  #bytes(token: string, isAdded: boolean): Uint8Array {
    if (this.#spelling.kind === "byte-fallback") return byteFallbackBytes(token);
    if (this.#spelling.kind === "word-piece") return wordPieceBytes(token, this.#spelling.prefix, this.#spelling.cleansUp);
    return isAdded ? ENCODER.encode(token) : byteLevelBytes(token);
  }

  /** Drops the spaces that a SentencePiece decoder drops at the start of a text. */
  #strip(text: string): string {
    let spaces = 0;
    while (spaces < this.#leadingSpaces && text[spaces] === " ") spaces++;
    this.#leadingSpaces = spaces === text.length ? this.#leadingSpaces - spaces : 0;
    return text.slice(spaces);
  }
}
