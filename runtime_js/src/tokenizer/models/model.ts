/** A tokenizer.json's `model`: a piece of text to the ids of its tokens, as the tokenizers library in Rust has it. */

export interface Model {
  /** The vocabulary, without what the tokenizer adds to it. */
  readonly ids: ReadonlyMap<string, number>;
  /** Appends the ids of a piece, which nothing is joined with. */
  encode(piece: string, out: number[]): void;
}
