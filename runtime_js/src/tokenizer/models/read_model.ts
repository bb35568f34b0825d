/** A tokenizer.json's `model`, of the kind that it says it is. */

import type { Fields } from "../../support/fields.ts";
import { BytePairs } from "./byte_pairs.ts";
import type { Model } from "./model.ts";
import { Unigram } from "./unigram.ts";
import { WordPieces } from "./word_pieces.ts";

/** Raises Error for a model that is none. */
export function readModel(model: Fields): Model {
  const type = model.raw("type") ?? (Array.isArray(model.raw("vocab")) ? "Unigram" : Array.isArray(model.raw("merges")) ? "BPE" : "WordPiece");
  switch (type) {
    case "BPE":
      return new BytePairs(model);
    case "Unigram":
      return new Unigram(model);
    case "WordPiece":
      return new WordPieces(model);
    default:
      throw new Error(`there is no model ${String(type)}`);
  }
}
