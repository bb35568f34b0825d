/** A grammar that one answer follows, token by token. */

import type { Constraint } from "../constraint.ts";
import type { Matcher, Vocabulary } from "./xgrammar.ts";

/** Fewer tokens than this are not worth a call of their own: the model chooses them as it chooses any. */
const LEAST_FORCED = 2;

/** A text's bytes up to the last whole character. */
function wholeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
}

export class GrammarConstraint implements Constraint {
  readonly #matcher: Matcher;
  readonly #vocabulary: Vocabulary;
  readonly #encode: (text: string) => readonly number[];
  readonly #ends: ReadonlySet<number>;
  /** Whether the token accepted last ends the answer. */
  #isEnded = false;

  constructor(matcher: Matcher, vocabulary: Vocabulary, encode: (text: string) => readonly number[]) {
    [this.#matcher, this.#vocabulary, this.#encode] = [matcher, vocabulary, encode];
    this.#ends = new Set(vocabulary.endTokenIds);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  mask(): Uint32Array {
    return this.#matcher.mask();
  }

  accept(token: number): void {
    if (!this.#matcher.accept(token)) throw new RangeError(`token ${token} came although the grammar does not allow it`);
    this.#isEnded = this.#ends.has(token);
  }

  rollback(count: number): void {
    if (count === 0) return;
    this.#matcher.rollback(count);
    this.#isEnded = false;
  }

  /**
   * What must come next is a text; these are the tokens that the tokenizer itself spells it with. The last of them is left to the model where
   * it could be longer, together with what follows. So a text is the same as without jumping, and its tokens are those of the same text in
   * a prompt.
   */
  forced(): readonly number[] {
    if (this.#isEnded) return [];
    const { bytes, isOpen } = this.#matcher.forced();
    const spelled = this.#encode(wholeText(bytes));
    const tokens = isOpen ? spelled.slice(0, -1) : spelled;
    return tokens.length < LEAST_FORCED || !this.#spell(tokens, bytes) ? [] : tokens;
  }

  /** Whether the tokens are the beginning of the text: a tokenizer may put a space before it, and the text may begin within a character. */
  #spell(tokens: readonly number[], bytes: Uint8Array): boolean {
    let at = 0;
    return tokens.every((id) => {
      const token = this.#vocabulary.tokens[id];
      const begin = at;
      at += token?.length ?? 0;
      return token !== undefined && token.length > 0 && token.every((byte, i) => byte === bytes[begin + i]);
    });
  }

  dispose(): void {
    this.#matcher.dispose();
  }
}
