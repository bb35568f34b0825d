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

/** How many steps to keep in flight, from the time between the tokens read so far. */
export class PipelineDepth {
  #last: number | null = null;
  #average: number | null = null; // milliseconds of a step
  value = 2;

  /** Call at each token, with the time. */
  tokenRead(now: number): void {
    if (this.#last !== null) {
      const step = now - this.#last;
      this.#average = this.#average === null ? step : 0.75 * this.#average + 0.25 * step;
      const ahead = Math.ceil(PIPELINE_MS / Math.max(this.#average, 0.1) - 1 / NEGLIGIBLE);
      this.value = Math.min(MAX_DEPTH, 1 + ahead);
    }
    this.#last = now;
  }

  /** The next token does not follow the one before it: something else ran between them. */
  pause(): void {
    this.#last = null;
  }
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
