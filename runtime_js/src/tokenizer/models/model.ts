/** A tokenizer.json's `model`: a piece of text to the ids of its tokens, as the tokenizers library in Rust has it. */

import type { Fields } from "../../support/fields.ts";
import { BytePairs } from "./byte_pairs.ts";
import { Unigram } from "./unigram.ts";
import { WordPieces } from "./word_pieces.ts";

export interface Model {
  /** The vocabulary, without what the tokenizer adds to it. */
  readonly ids: ReadonlyMap<string, number>;
  /** Appends the ids of a piece, which nothing is joined with. */
  encode(piece: string, out: number[]): void;
}

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
