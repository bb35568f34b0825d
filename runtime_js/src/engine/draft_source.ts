/** Where guesses of what comes next come from. */

/** Guesses tokens. One draws its own: where a draft is right, it is what would have been drawn. */
export interface DraftSource {
  /** How often a token of it is right, before anything is known of that: 0 to 1. */
  readonly likely: number;
  /** What may come behind the tokens, at most `most` of it. Between calls tokens are added, or some in the middle left out. */
  propose(tokens: readonly number[], most: number): readonly number[];
}
