/** A prompt whose tokens' probabilities are asked for: all but its first come as an answer's do, by steps, though no others may. */

import type { Constraint } from "./constraint.ts";
import type { DraftSource } from "./speculation.ts";
import { addToken, noTokens } from "./token_set.ts";

export class Recital implements Constraint, DraftSource {
  readonly likely = 1;
  readonly #prompt: readonly number[];
  readonly #inner: Constraint | undefined;
  readonly #mask: Uint32Array;
  /** Tokens of the prompt that came. */
  #at = 1;
  /** Tokens behind it that came. */
  #behind = 0;

  /** `inner` is what holds behind the prompt. */
  constructor(prompt: readonly number[], vocabSize: number, inner: Constraint | undefined) {
    this.#prompt = prompt;
    this.#inner = inner;
    this.#mask = noTokens(vocabSize);
  }

  mask(): Uint32Array | undefined {
    const token = this.#prompt[this.#at];
    if (token === undefined) return this.#inner?.mask();
    addToken(this.#mask.fill(0), token);
    return this.#mask;
  }

  accept(token: number): void {
    if (this.#at < this.#prompt.length) {
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
    return this.#at < this.#prompt.length ? [] : this.#inner?.forced() ?? [];
  }

  get isEnded(): boolean {
    return this.#at >= this.#prompt.length && this.#inner?.isEnded === true;
  }

  dispose(): void {
    this.#inner?.dispose();
  }

  /** The prompt's own tokens, several of which come in one step. */
  propose(tokens: readonly number[], most: number): readonly number[] {
    return this.#prompt.slice(tokens.length, tokens.length + most);
  }
}
