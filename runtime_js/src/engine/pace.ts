/** How much work to submit at a time, from how long earlier work took. Times in milliseconds. */

import type { RunnerShape } from "../executor/runner.ts";

/**
 * Steps submitted before the first of them is read, so that the GPU never waits for the CPU: beside the one that is awaited as many
 * as take PIPELINE_MS, which covers the way of an id to the CPU and back. An end wastes them, so a slow GPU gets few, and one whose
 * step is NEGLIGIBLE times as long gets none.
 */
const PIPELINE_MS = 10;
const NEGLIGIBLE = 20;
export const MAX_DEPTH = 6;
/** From the end of a step to the moment when the GPU has what follows from its tokens; Chromium, of a machine that does little else. */
const ROUND_TRIP_MS = 2;
/** Of a GPU that nothing is known of yet: its step of one row, and how many rows take as long again. */
const USUAL_STEP_MS = 5;
const USUAL_ROWS = 8;
/** A number of rows that no step had for so many steps is unknown again: one that was slow once, as the first of its kind may be, gets another try. */
const REMEMBERED_STEPS = 64;

/** What steps take, by how many rows they compute, from the times between their tokens; and from that how many to keep in flight. */
export class StepPace {
  #last: { readonly rows: number; readonly at: number } | null = null;
  /** Milliseconds of a step, by its rows; and the latest step that had so many. */
  readonly #averages = new Map<number, { readonly time: number; readonly step: number }>();
  #steps = 0;
  depth = 2;

  /** Call as the tokens of a step are read, with the time; `begun`: when it was submitted, where nothing else was under way. */
  tokensRead(rows: number, now: number, begun?: number): void {
    this.#steps++;
    if (this.#last?.rows === rows) {
      const average = this.#took(rows, now - this.#last.at);
      const ahead = Math.ceil(PIPELINE_MS / Math.max(average, 0.1) - 1 / NEGLIGIBLE);
      this.depth = Math.min(MAX_DEPTH, 1 + ahead);
    } else if (begun !== undefined && rows > 1) {
      this.#took(rows, Math.max(0, now - begun - ROUND_TRIP_MS));
    }
    this.#last = { rows, at: now };
  }

  #took(rows: number, milliseconds: number): number {
    const before = this.#lately(rows);
    const time = before === undefined ? milliseconds : 0.75 * before + 0.25 * milliseconds;
    this.#averages.set(rows, { time, step: this.#steps });
    return time;
  }

  /** The next token does not follow the one before it: something else ran between them. */
  pause(): void {
    this.#last = null;
  }

  /** Milliseconds of a step. One that was not timed lately is taken for one of a GPU that reads weights once for all rows. */
  time(rows: number): number {
    const one = this.#averages.get(1)?.time ?? USUAL_STEP_MS;
    return Math.max(one, this.#lately(rows) ?? one * (1 + (rows - 1) / USUAL_ROWS));
  }

  #lately(rows: number): number | undefined {
    const { time, step = 0 } = this.#averages.get(rows) ?? {};
    return this.#steps - step < REMEMBERED_STEPS ? time : undefined;
  }
}

/** Steps behind the one that runs, so that it is not the last when its tokens are read. */
const QUEUE_MS = 1.5;
const MOST_ACCEPTANCE = 0.98;
/** What a token of a smaller model takes, of one of the larger, before it is known. */
const USUAL_DRAFT = 0.25;
/** So much less time than plain steps take must drafts promise. */
const WORTH = 0.9;

/** Of a step of `rows` rows, where a drafted token is right with probability `right` < 1: as many come as up to the first that is wrong. */
function expectedTokens(rows: number, right: number): number {
  return (1 - right ** rows) / (1 - right);
}

/**
 * How many rows of one answer a step should have, of `choices`, where a drafted token is right with probability `acceptance`. Each draft that goes
 * wrong makes the GPU wait for the CPU.
 */
export function rowsThatPay(choices: readonly number[], acceptance: number, pace: Pick<StepPace, "time">): number {
  const right = Math.min(acceptance, MOST_ACCEPTANCE);
  let [best, least] = [1, WORTH * pace.time(1)];
  for (const rows of choices.filter((count) => count > 1)) {
    const time = pace.time(rows) / expectedTokens(rows, right) + (1 - right) * ROUND_TRIP_MS;
    if (time < least) [best, least] = [rows, time];
  }
  return best;
}

/** How many tokens another model should draft, of which each takes it `draftMs`; 0: none, as that would not pay. Nothing goes ahead of them. */
export function draftsThatPay(
  choices: readonly number[], acceptance: number, draftMs: number | undefined, pace: Pick<StepPace, "time">,
): number {
  const right = Math.min(acceptance, MOST_ACCEPTANCE);
  const one = pace.time(1);
  let [best, least] = [0, WORTH * one];
  for (const rows of choices.filter((count) => count > 1)) {
    const time = ((rows - 1) * (draftMs ?? one * USUAL_DRAFT) + pace.time(rows) + ROUND_TRIP_MS) / expectedTokens(rows, right);
    if (time < least) [best, least] = [rows - 1, time];
  }
  return best;
}

/**
 * Whether a step of `time` ms should be submitted behind others that will take `queued` ms, but for the first of them: the GPU must not wait,
 * but what is behind a guess that goes wrong, as it does with probability `wrong`, is computed for nothing.
 */
export function isDue(time: number, wrong: number, queued: number): boolean {
  return queued < QUEUE_MS && wrong * time < ROUND_TRIP_MS;
}

/** Windows resets a GPU that works on one submit for two seconds, and nobody can stop an answer or draw a page meanwhile. */
export const CHUNK_MS = 400;
/** A chunk and a step, between two tokens of whoever else is answered. */
export const PAUSE_MS = 60;
/** Tokens that matrix products work on at a time, at most: on a GPU that takes longer for so many, fewer make no pause shorter. */
export const EFFICIENT_CHUNK = 128;
const MOST_GROWTH = 4;

/** How many tokens of a prompt one submit may have: at first what the self-test tells, then what was shown to be done within `limit` milliseconds. */
export class ChunkLength {
  readonly #limit: number;
  readonly #shortest: number;
  readonly #most: number;
  value: number;
  /** Whether a chunk of full length has been timed. */
  isMeasured = false;

  constructor({ prefillChunk, tokenMs }: Pick<RunnerShape, "prefillChunk" | "tokenMs">, limit: number, shortest: number) {
    this.#limit = limit;
    this.#shortest = shortest;
    this.#most = prefillChunk;
    this.value = this.#bounded(tokenMs === undefined ? shortest : limit / Math.max(tokenMs, 1e-3));
  }

  /** A chunk of `tokens` took so long. A short chunk says nothing of longer ones, unless it took too long already. */
  measured(tokens: number, milliseconds: number): void {
    if (tokens < this.value && milliseconds <= this.#limit) return;
    this.isMeasured = true;
    this.value = this.#bounded(tokens * Math.min(MOST_GROWTH, this.#limit / Math.max(milliseconds, 1e-3)));
  }

  /** A multiple of the shortest. */
  #bounded(length: number): number {
    return Math.min(this.#most, Math.max(1, Math.floor(length / this.#shortest)) * this.#shortest);
  }
}

/** Times chunks that run one after the other, each with the step before it. */
export class ChunkWatch {
  readonly #lengths: readonly ChunkLength[];
  readonly #begun = performance.now();
  #last = this.#begun;
  #done = 0; // tokens

  constructor(lengths: readonly ChunkLength[]) {
    this.#lengths = lengths;
  }

  isOf(lengths: readonly ChunkLength[]): boolean {
    return this.#lengths === lengths;
  }

  /** Notes when a chunk that was submitted now is done. What this thread hears late looks short, so the average counts too. */
  async timed<T>(tokens: number, chunk: Promise<T>): Promise<T> {
    const submitted = performance.now();
    const result = await chunk;
    const now = performance.now();
    this.#done += tokens;
    const milliseconds = Math.max(now - Math.max(submitted, this.#last), (now - this.#begun) * tokens / this.#done);
    for (const length of this.#lengths) length.measured(tokens, milliseconds);
    this.#last = now;
    return result;
  }
}
