/** A tokenizer.json's `pre_tokenizer`: cuts a text into the pieces that a model encodes by themselves, as the tokenizers library does. */

import type { Fields } from "../../support/fields.ts";
import { spelledInBytes } from "./byte_level.ts";
import { behaviorOf, patternOf, splitBy } from "./splits.ts";

/** `isFirst`: nothing stands in front of the text. Where its beginning is left out the first piece is empty. */
export type Cut = (text: string, isFirst: boolean) => readonly string[];

/** Pieces that are remembered, and how long one is at most. */
const [MAX_KNOWN, MAX_PIECE] = [1 << 12, 32];
const GPT2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const WORDS = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
const SPACES = /\p{White_Space}/gu;
const PUNCTUATION = /[\p{P}!-\/:-@[-`{-~]/gu;
const NUMBERS = /\p{N}/gu;

function metaspace(config: Fields): Cut {
  const mark = config.has("replacement") ? config.string("replacement", 2) : "\u2581";
  const scheme = config.has("prepend_scheme") ? config.oneOf("prepend_scheme", ["always", "first", "never"])
    : config.raw("add_prefix_space") === false ? "never" : "always";
  const [pattern, splits] = [patternOf(mark), config.raw("split") !== false];
  return (text, isFirst) => {
    const marked = text.replaceAll(" ", mark);
    const begins = (scheme === "always" || (scheme === "first" && isFirst)) && !marked.startsWith(mark);
    const whole = begins ? mark + marked : marked;
    return splits ? splitBy(whole, pattern, "MergedWithNext") : [whole];
  };
}

function byteLevel(config: Fields): Cut {
  const [prefixes, cuts] = [config.raw("add_prefix_space") !== false, config.raw("use_regex") !== false];
  return (text) => {
    const whole = prefixes && !text.startsWith(" ") ? ` ${text}` : text;
    return (cuts ? splitBy(whole, GPT2, "Isolated") : [whole]).map(spelledInBytes);
  };
}

function fixedLength(config: Fields): Cut {
  const length = config.has("length") ? config.integer("length", 1, 1 << 20) : 5;
  const pieces = new RegExp(`[^]{1,${length}}`, "gu");
  return (text) => text.match(pieces) ?? [];
}

/** Pieces of pieces; only the first of all begins where the text does. What becomes of short ones is remembered: texts repeat them. */
function sequence([first, ...rest]: readonly Cut[]): Cut {
  if (first === undefined) return (text) => [text];
  if (rest.length === 0) return first;
  const behind = sequence(rest);
  const known = new Map<string, readonly string[]>();
  const again = (piece: string): readonly string[] => {
    if (piece.length > MAX_PIECE) return behind(piece, false);
    let pieces = known.get(piece);
    if (pieces === undefined) {
      pieces = behind(piece, false);
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(piece, pieces);
    }
    return pieces;
  };
  return (text, isFirst) => {
    const all: string[] = [];
    for (const [i, piece] of first(text, isFirst).entries()) {
      if (piece === "") {
        if (i === 0) all.push("");
      } else {
        for (const inner of i === 0 ? behind(piece, isFirst) : again(piece)) all.push(inner);
      }
    }
    return all;
  };
}

/** Raises Error for a kind that is not known. */
export function readPreTokenizer(config: Fields): Cut {
  const type = config.raw("type");
  switch (type) {
    case "Sequence":
      return sequence(config.objects("pretokenizers", 64, readPreTokenizer));
    case "Split": {
      const [pattern, behavior, isInverted] = [patternOf(config.raw("pattern")), behaviorOf(config.raw("behavior")), config.raw("invert") === true];
      return (text) => splitBy(text, pattern, behavior, isInverted);
    }
    case "ByteLevel":
      return byteLevel(config);
    case "Metaspace":
      return metaspace(config);
    case "BertPreTokenizer":
      return sequence([(text) => splitBy(text, SPACES, "Removed"), (text) => splitBy(text, PUNCTUATION, "Isolated")]);
    case "Whitespace":
      return (text) => splitBy(text, WORDS, "Removed", true);
    case "WhitespaceSplit":
      return (text) => splitBy(text, SPACES, "Removed");
    case "CharDelimiterSplit": {
      const delimiter = patternOf(config.string("delimiter", 2));
      return (text) => splitBy(text, delimiter, "Removed");
    }
    case "Punctuation": {
      const behavior = behaviorOf(config.raw("behavior") ?? "Isolated");
      return (text) => splitBy(text, PUNCTUATION, behavior);
    }
    case "Digits": {
      const behavior = config.raw("individual_digits") === true ? "Isolated" : "Contiguous";
      return (text) => splitBy(text, NUMBERS, behavior);
    }
    case "FixedLength":
      return fixedLength(config);
    default:
      throw new Error(`there is no pre-tokenizer ${String(type)}`);
  }
}
