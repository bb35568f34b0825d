/** Answers of a model that knows nothing: each token is drawn from those that may come. */

import type { Constraint } from "../../src/engine/constraint.ts";

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

function tokensOf(mask: Uint32Array): number[] {
  return [...mask].flatMap((word, w) => Array.from({ length: 32 }, (_, i) => i).filter((i) => (word >>> i) & 1).map((i) => 32 * w + i));
}

/**
 * The tokens of an answer, the end token too; fewer than `most` where it has ended. One time in three it takes one of the `closers` that
 * may come, else hardly an answer would end.
 */
export function randomAnswer(constraint: Constraint, random: () => number, closers: readonly number[], most: number): number[] {
  const tokens: number[] = [];
  const take = (token: number): void => {
    constraint.accept(token);
    tokens.push(token);
  };
  while (!constraint.isEnded && tokens.length < most) {
    for (const token of constraint.forced()) take(token);
    if (constraint.isEnded) break;
    const mask = constraint.mask();
    const allowed = mask === undefined ? [] : tokensOf(mask);
    if (allowed.length === 0) throw new Error(`nothing may come behind ${tokens.join()}`);
    const closing = random() < 1 / 3 ? closers.filter((token) => allowed.includes(token)) : [];
    const choices = closing.length > 0 ? closing : allowed;
    take(choices[Math.floor(random() * choices.length)] ?? -1);
  }
  constraint.dispose();
  return tokens;
}
