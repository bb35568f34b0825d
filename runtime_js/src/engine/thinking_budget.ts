/** Closes a thought that has had its tokens: what comes next is then its closing tag, whatever the model says. */

import type { ThinkingFormat } from "../formats/format.ts";
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import type { Constraint } from "./constraint.ts";
import { behindBytes, WHOLE } from "./structure/utf8.ts";
import { hasToken } from "./token_set.ts";

export interface ThinkingBudgetOptions {
  readonly format: ThinkingFormat;
  /** Tokens that a thought may have. */
  readonly budget: number;
  /** Whether the prompt has begun a thought. */
  readonly isThinking: boolean;
  readonly detokenizer: () => Detokenizer;
  readonly encode: (text: string) => readonly number[];
}

/** Tokens that half a character may lie in, and the spaces at a text's beginning. */
const UNDECIDED = 16;

/** Tokens that one character takes at most. */
const CHARACTER = 4;
const NO_BYTES = new Uint8Array();

/** How far the text is behind a token. */
interface Place {
  readonly isThinking: boolean;
  readonly count: number;
  readonly tail: string;
  /** How far its last character has come. */
  readonly state: number;
}

export class ThinkingBudget implements Constraint {
  readonly #options: ThinkingBudgetOptions;
  readonly #inner: Constraint | undefined;
  readonly #tokens: number[] = [];
  /** Behind each of them. */
  readonly #places: Place[] = [];
  #detokenizer: Detokenizer;
  #isThinking: boolean;
  #count = 0;
  /** The end of the text, in which a tag may begin. */
  #tail = "";
  #state = WHOLE;

  /** `inner` says what may come besides. */
  constructor(options: ThinkingBudgetOptions, inner: Constraint | undefined) {
    this.#options = options;
    this.#inner = inner;
    this.#isThinking = options.isThinking;
    this.#detokenizer = options.detokenizer();
  }

  get isEnded(): boolean {
    return this.#inner?.isEnded ?? false;
  }

  mask(): Uint32Array | undefined {
    return this.#inner?.mask();
  }

  accept(token: number): void {
    this.#inner?.accept(token);
    this.#tokens.push(token);
    this.#read(token);
    this.#places.push({ isThinking: this.#isThinking, count: this.#count, tail: this.#tail, state: this.#state });
  }

  #read(token: number): void {
    const { begin, end } = this.#options.format;
    if (this.#isThinking) this.#count++;
    this.#tail += this.#detokenizer.push(token);
    this.#state = behindBytes(this.#state, this.#detokenizer.bytesOf(token) ?? NO_BYTES);
    const tag = this.#isThinking ? end : begin;
    const at = this.#tail.indexOf(tag);
    if (at < 0) {
      this.#tail = this.#tail.slice(-Math.max(begin.length, end.length));
      return;
    }
    this.#tail = this.#tail.slice(at + tag.length);
    this.#isThinking = !this.#isThinking;
    this.#count = 0;
  }

  rollback(count: number): void {
    if (count === 0) return;
    this.#inner?.rollback(count);
    this.#tokens.splice(-count);
    this.#places.splice(-count);
    const { isThinking, count: counted, tail, state } = this.#places.at(-1) ?? { isThinking: this.#options.isThinking, count: 0, tail: "", state: WHOLE };
    [this.#isThinking, this.#count, this.#tail, this.#state] = [isThinking, counted, tail, state];
    this.#detokenizer = this.#options.detokenizer();
    for (const token of this.#tokens.slice(-UNDECIDED)) this.#detokenizer.push(token);
  }

  forced(): readonly number[] {
    const { format, budget, encode } = this.#options;
    const isWithin = this.#state !== WHOLE && this.#count < budget + CHARACTER; // a model may never end a character
    const closing = this.#isThinking && this.#count >= budget && !isWithin ? encode(`\n${format.end}`) : [];
    return closing.length > 0 && this.#mayCome(closing) ? closing : this.#inner?.forced() ?? [];
  }

  /** A grammar may want something else first, as the rest of a character. */
  #mayCome(tokens: readonly number[]): boolean {
    let taken = 0;
    for (const token of tokens) {
      const mask = this.#inner?.mask();
      if (mask !== undefined && !hasToken(mask, token)) break;
      this.#inner?.accept(token);
      taken++;
    }
    this.#inner?.rollback(taken);
    return taken === tokens.length;
  }

  dispose(): void {
    this.#inner?.dispose();
  }
}
