/** A tokenizer.json's `decoder`: how a vocabulary spells text. */

import { ManifestError } from "../support/errors.ts";
import type { Fields } from "../support/fields.ts";
import { BYTE_OF } from "./parts/byte_level.ts";

/** `isFirst`: no token stands before it. `isAdded`: it is none of the vocabulary's. */
export type Spelled = (token: string, isFirst: boolean, isAdded: boolean) => Uint8Array;

export interface Spelling {
  readonly bytesOf: Spelled;
  /** Spaces at the start of a text that are none of it. */
  readonly leadingSpaces: number;
}

/** Kinds of parts in order: GPT-2's bytes, BERT's words, or texts in which marks stand for spaces, and `<0xNN>` for bytes. */
const KNOWN = /^(?:ByteLevel|WordPiece|Metaspace|(?:Replace,)*(?:ByteFallback,Fuse|ByteFallback|Fuse)(?:,Strip)?)$/;
const ENCODER = new TextEncoder();
const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;

/** An added token is plain text, whichever letters it has. */
function byteLevel(token: string, _isFirst: boolean, isAdded: boolean): Uint8Array {
  const bytes = isAdded ? [] : Array.from(token, (character) => BYTE_OF.get(character));
  const known = bytes.filter((byte) => byte !== undefined);
  return isAdded || known.length < bytes.length ? ENCODER.encode(token) : Uint8Array.from(known);
}

/** Words have a space between them; parts that go on with one stand behind a prefix. */
function wordPieces(part: Fields): Spelled {
  const [prefix, cleansUp] = [part.string("prefix", 64), part.raw("cleanup") !== false];
  return (token, isFirst) => {
    const text = isFirst ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return ENCODER.encode(cleansUp ? text.replace(/ (?=[.?!,]|n't|'m|'s|'ve|'re)/, "") : text);
  };
}

function metaspace(part: Fields): Spelled {
  const mark = part.has("replacement") ? part.string("replacement", 2) : "\u2581";
  const first = part.raw("prepend_scheme") === "never" ? " " : "";
  return (token, isFirst) => ENCODER.encode(token.replaceAll(mark, isFirst ? first : " "));
}

function marked(parts: readonly Fields[]): Spelled {
  const replaced = parts.filter((part) => part.raw("type") === "Replace").map((part) => (
    [part.object("pattern").string("String", 64), part.string("content", 64)] as const));
  const hasBytes = parts.some((part) => part.raw("type") === "ByteFallback");
  return (token) => {
    const byte = hasBytes ? BYTE.exec(token)?.[1] : undefined;
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
    return ENCODER.encode(replaced.reduce((text, [mark, content]) => text.replaceAll(mark, () => content), token));
  };
}

/** Of a tokenizer.json. Raises ManifestError for kinds that are not built. */
export function readSpelling(tokenizerJson: Fields): Spelling {
  const decoder = tokenizerJson.object("decoder");
  const parts = decoder.raw("type") === "Sequence" ? decoder.objects("decoders", 64, (part) => part) : [decoder];
  const types = parts.map((part) => part.string("type", 64)).join(",");
  const [part = decoder, last] = [parts[0], parts.at(-1)];
  const strips = last?.raw("type") === "Strip" ? last : undefined;
  if (!KNOWN.test(types) || (strips !== undefined && (strips.raw("content") !== " " || strips.raw("stop") !== 0))) {
    throw new ManifestError(`The tokenizer's decoder (${types}) is not supported; supported are ByteLevel, ByteFallback, Metaspace and WordPiece.`);
  }
  const leadingSpaces = strips?.integer("start", 0, 64) ?? 0;
  switch (types) {
    case "ByteLevel":
      return { bytesOf: byteLevel, leadingSpaces };
    case "WordPiece":
      return { bytesOf: wordPieces(part), leadingSpaces };
    case "Metaspace":
      return { bytesOf: metaspace(part), leadingSpaces };
    default:
      return { bytesOf: marked(parts), leadingSpaces };
  }
}
