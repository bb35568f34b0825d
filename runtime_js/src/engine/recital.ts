/** Tokens whose probabilities are asked for, of a prompt all but its first, or of an answer that comes again: they come by steps, though no others may. */

import type { Constraint } from "./constraint.ts";
import type { DraftSource } from "./draft_source.ts";
import { addToken, noTokens } from "./token_set.ts";

export class Recital implements Constraint, DraftSource {
  readonly likely = 1;
  readonly #tokens: readonly number[];
  readonly #inner: Constraint | undefined;
  readonly #mask: Uint32Array;
  /** Those of them that came. */
  #at: number;
  /** Tokens behind them that came. */
  #behind = 0;

  /** Of `tokens` so many are there; `inner` is what holds behind them. */
  constructor(tokens: readonly number[], present: number, vocabSize: number, inner: Constraint | undefined) {
    [this.#tokens, this.#at] = [tokens, present];
    this.#inner = inner;
    this.#mask = noTokens(vocabSize);
  }

  mask(): Uint32Array | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined) return this.#inner?.mask();
    addToken(this.#mask.fill(0), token);
    return this.#mask;
  }

  accept(token: number): void {
    if (this.#at < this.#tokens.length) {
      this.#at++;
      return;
    }
    this.#inner?.accept(token);
    this.#behind++;
  }

  rollback(count: number): void {
    const behind = Math.min(count, this.#behind);
    if (behind > 0) this.#inner?.rollback(behind);
    this.#behind -= behind;
    this.#at -= count - behind;
  }

  /** Nothing is jumped over. */
  forced(): readonly number[] {
    return this.#at < this.#tokens.length ? [] : this.#inner?.forced() ?? [];
  }

  get isEnded(): boolean {
    return this.#at >= this.#tokens.length && this.#inner?.isEnded === true;
  }

  dispose(): void {
    this.#inner?.dispose();
  }

  /** The tokens themselves, several of which come in one step. */
  propose(tokens: readonly number[], most: number): readonly number[] {
    return this.#tokens.slice(tokens.length, tokens.length + most);
  }
}
