/** Guesses of another, smaller model, which follows the same tokens. */

import type { DraftSource } from "./draft_source.ts";

/** What the model says behind the tokens, so many of it; nothing where it has others to answer. */
export type Continue = (tokens: readonly number[], count: number) => Promise<readonly number[]>;

/** Tokens for which a model that was busy is not asked again. */
const REST = 32;

export class DraftModel implements DraftSource {
  readonly likely = 0.7;
  readonly #continue: Continue;
  #draft: readonly number[] = [];
  /** The number of tokens that the draft is behind. */
  #begin = 0;
  #restsUntil = 0;
  /** Milliseconds that a token of a draft took, lately; undefined before there was one. */
  tokenMs: number | undefined;

  constructor(continues: Continue) {
    this.#continue = continues;
  }

  /** What is left of the latest draft. */
  propose(tokens: readonly number[], most: number): readonly number[] {
    const came = tokens.length - this.#begin;
    if (came < 0 || this.#draft.slice(0, came).some((token, i) => token !== tokens[this.#begin + i])) this.#draft = [];
    return this.#draft.slice(Math.max(0, came), Math.max(0, came) + most);
  }

  /** Whether it may be asked for a draft behind the tokens. */
  isFree(tokens: readonly number[]): boolean {
    return tokens.length >= this.#restsUntil;
  }

  /** Gets a draft. */
  async ask(tokens: readonly number[], count: number): Promise<void> {
    const begun = performance.now();
    const known = [...tokens];
    const draft = await this.#continue(known, count);
    [this.#draft, this.#begin] = [draft, known.length];
    if (draft.length === 0) this.#restsUntil = known.length + REST;
    else this.tokenMs = (performance.now() - begun) / draft.length;
  }
}
