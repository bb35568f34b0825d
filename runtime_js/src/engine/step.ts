/** Which rows the next step has, and where: each answer's next token, and what is guessed behind it. */

import { SAMPLING_WORDS, SLOTS_RECENT, WINDOW_BACK } from "../executor/abi.generated.ts";
import type { CacheView, Draw, Row } from "../executor/runner.ts";
import type { Generation } from "./generation.ts";
import { isDue, rowsThatPay, type StepPace } from "./pace.ts";
import { placeRows, rowsComputed } from "./rows.ts";

/** Rows of steps that bring in tokens which a grammar forces. */
export const JUMP_ROWS = [8, 4];

/** Rows of a guess that went before. */
const USUAL_GUESS = 4;

export interface StepRow {
  readonly generation: Generation;
  /** Which of its rows in this step it is. */
  readonly index: number;
  /** The token at its place, where that is known, or guessed. */
  readonly token: number | undefined;
  /** Of a guess: what may come behind it. */
  readonly allowed?: Uint32Array | undefined;
  readonly isGuess: boolean;
}

export type StepRows = readonly (StepRow | null)[];

/** What is known of the steps before. */
export interface StepContext {
  /** Whose tokens, sampled last, lie in the rows of the runner. */
  readonly before: readonly (Generation | null)[];
  /** Rows that there are kernels for. */
  readonly rowCounts: readonly number[];
  readonly pace: StepPace;
  /** Milliseconds that steps under way will take, but for the first of them. */
  readonly queued: number;
  /** Whether one of them checks guesses. */
  readonly isBehindGuess: boolean;
  /** Of a model that has states in slots; else 0. */
  readonly slots: number;
  /** Whether a row must be given its token. */
  readonly needsTokens: boolean;
}

/** Rows that can be taken back: as many as a window keeps pages for, or as there are states of in slots, of which one is far back. */
function mostBack({ slots }: StepContext): number {
  return slots === 0 ? WINDOW_BACK : Math.max(1, Math.min(SLOTS_RECENT - 1, slots - 2));
}

function isReady(generation: Generation, context: StepContext): boolean {
  return generation.isReady(mostBack(context)) && !(context.needsTokens && generation.isOnGpu);
}

function guessedRows(generation: Generation, most: number, hasToken: boolean, context: StepContext): StepRow[] {
  return generation.guess(most, hasToken, mostBack(context)).map((row, index) => ({ generation, index, isGuess: true, ...row }));
}

function padded<T>(rows: readonly (T | null)[], rowCounts: readonly number[]): (T | null)[] {
  return Array.from({ length: rowsComputed(rowCounts, rows.length) }, (_, i) => rows[i] ?? null);
}

/**
 * An answer that runs alone takes as many rows as pay. Null: none is guessed; undefined: tokens must be read first, or a draft asked for. Where guesses were right
 * lately, no more steps go ahead than keep the GPU busy, so that the next guess does not come late.
 */
function guessAlone(generation: Generation, context: StepContext): StepRows | null | undefined {
  const { before, rowCounts, pace, queued, isBehindGuess } = context;
  const { acceptance, promise } = generation;
  const most = rowsThatPay(rowCounts, acceptance, pace);
  if (most === 1 && generation.draftsWanted(rowCounts, pace) > 0) return undefined;
  const wrong = (rows: number): number => (isBehindGuess ? 1 - promise ** rows : 0);
  if (most === 1) return (isBehindGuess || rowsThatPay(rowCounts, promise, pace) > 1) && !isDue(pace.time(1), wrong(USUAL_GUESS), queued) ? undefined : null;
  if (!generation.isGuessable || !isDue(pace.time(most), wrong(most), queued)) return undefined;
  const rows = guessedRows(generation, most, !context.needsTokens && before.lastIndexOf(generation) === 0, context);
  return rows.length > 1 ? padded(rows, rowCounts) : null;
}

/**
 * Of several answers one may have the rows that are computed in any case; not of a model with states in slots, of which another answer in
 * the same step may take one away.
 */
function guessBeside(generations: readonly Generation[], context: StepContext): readonly StepRow[] {
  const { rowCounts, pace, slots } = context;
  if (slots > 0) return [];
  const most = 1 + rowsComputed(rowCounts, generations.length) - generations.length;
  const free = { time: () => pace.time(generations.length) };
  const guessing = generations.find((one) => one.isGuessable && rowsThatPay([most], one.acceptance, free) > 1);
  return guessing === undefined ? [] : guessedRows(guessing, most, false, context);
}

/** Undefined where tokens must be read, or a draft asked for, before there can be a step. */
export function planStep(generations: readonly Generation[], context: StepContext, isAlone: boolean): StepRows | undefined {
  const { before, rowCounts } = context;
  const [only] = generations;
  const alone = isAlone && only !== undefined ? guessAlone(only, context) : null;
  if (alone !== null) return alone;
  const [first, ...more] = isAlone ? [] : guessBeside(generations, context);
  const isGuessing = (one: Generation): boolean => more.length > 0 && one === first?.generation;
  const places = placeRows(generations, before, (one) => one.isOnGpu && !isGuessing(one), rowCounts);
  if (places === undefined || !generations.every((one) => isGuessing(one) || isReady(one, context))) return undefined;
  const rows = places.map((one): StepRow | null => one && { generation: one, index: 0, token: one.isOnGpu ? undefined : one.tokens.at(-1), isGuess: false });
  if (first === undefined || !isGuessing(first.generation)) return rows;
  const place = places.indexOf(first.generation);
  rows[place] = first;
  for (const [i, row] of more.entries()) {
    if (rows[place + 1 + i] !== null) break;
    rows[place + 1 + i] = row;
  }
  return rows;
}

/** Rows that an answer which runs alone would have, were there kernels for them. */
export function rowsWanted([only, ...others]: readonly Generation[], rowCounts: readonly number[], pace: StepPace): number {
  if (only === undefined || others.length > 0) return 1;
  return Math.max(rowsThatPay(rowCounts, only.acceptance, pace), 1 + only.draftsWanted(rowCounts, pace));
}

/** A step of `count` rows that brings in tokens which are known, and draws behind the last of them alone. */
export function jumpRows(tokens: readonly number[], position: number, cache: CacheView, draw: Draw, count: number): (Row | null)[] {
  return Array.from({ length: count }, (_, i) => {
    const token = tokens[i];
    if (token === undefined) return null;
    const turns = cache.turns?.subarray(3 * i, 3 * i + 3);
    const seen = { ...cache, ...(i > 0 && { copies: new Int32Array(0) }), ...(turns !== undefined && { turns }) };
    return { ...(i === tokens.length - 1 ? draw : { sampling: new Uint32Array(SAMPLING_WORDS) }), position: position + i, cache: seen, token };
  });
}
