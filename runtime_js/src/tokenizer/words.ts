/** Cuts text into words for vocabularies that merge it as one piece, which takes long: a SentencePiece tokenizer has no pre-tokenizer. */

import { isRecord } from "../support/fields.ts";

const SPACE = "\u2581";
/** Spaces and the word behind them, or spaces at the end. */
const WORDS = { type: "Split", pattern: { Regex: `${SPACE}*[^${SPACE}]+|${SPACE}+` }, behavior: "Isolated", invert: false };

/**
 * The same tokenizer with a pre-tokenizer that cuts before each run of spaces, where that changes no token: no token has a space behind
 * another letter, so no merge reaches over such a cut. Words that come again are then found in the library's cache.
 */
export function inWords(tokenizerJson: Record<string, unknown>): Record<string, unknown> {
  const model = tokenizerJson["model"];
  if ((tokenizerJson["pre_tokenizer"] ?? null) !== null || !isRecord(model)) return tokenizerJson;
  const vocabulary = model["vocab"];
  if (model["type"] !== "BPE" || model["ignore_merges"] === true || !isRecord(vocabulary)) return tokenizerJson;
  if (typeof vocabulary[SPACE] !== "number") return tokenizerJson;
  const crosses = new RegExp(`[^${SPACE}]${SPACE}`);
  for (const token of Object.keys(vocabulary)) if (crosses.test(token)) return tokenizerJson;
  return { ...tokenizerJson, pre_tokenizer: WORDS };
}
