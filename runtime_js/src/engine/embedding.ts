/** What a prompt means to a decoder, as one vector: the states that its tokens end with, pooled. */

import type { PooledStates } from "../executor/runner.ts";
import { AbortError } from "../support/errors.ts";
import type { FinishReason, GenerationListener, StateListener } from "./generation.ts";
import type { Embeddings, Pooling } from "./pooling.ts";
import { Sampler } from "./sampler.ts";
import type { Scheduler } from "./scheduler.ts";

/** Nothing is drawn. */
const NO_SAMPLING = { temperature: 0, topP: 1, seed: 0 };

class Pooled implements StateListener, GenerationListener {
  readonly vector: Promise<Float32Array>;
  readonly needsAll: boolean;
  #resolve: (vector: Float32Array | Promise<Float32Array>) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  /** Of the chunks so far. */
  #states: Promise<PooledStates>[] = [];
  readonly #count: number;

  constructor(pooling: Pooling, count: number) {
    this.needsAll = pooling === "mean";
    this.#count = count;
    this.vector = new Promise((resolve, reject) => { [this.#resolve, this.#reject] = [resolve, reject]; });
  }

  take(states: Promise<PooledStates>, position: number, isLast: boolean): void {
    if (position === 0) this.#states = [];
    this.#states.push(states);
    if (isLast) this.#resolve(this.#pool(this.#states));
  }

  async #pool(chunks: readonly Promise<PooledStates>[]): Promise<Float32Array> {
    const states = await Promise.all(chunks);
    if (!this.needsAll) return states.at(-1)?.last ?? new Float32Array();
    const mean = new Float32Array(states[0]?.sum.length ?? 0);
    for (const { sum } of states) sum.forEach((value, i) => { mean[i] = (mean[i] ?? 0) + value / this.#count; });
    return mean;
  }

  begin(): void {}

  token(): boolean {
    return true;
  }

  end(reason: FinishReason): void {
    if (reason === "abort") this.#reject(new AbortError("The embedding was aborted."));
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}

async function vectorOf(scheduler: Scheduler, prompt: readonly number[], pooling: Pooling, signal: AbortSignal): Promise<Float32Array> {
  signal.throwIfAborted();
  const pooled = new Pooled(pooling, prompt.length);
  const sampler = new Sampler(NO_SAMPLING, prompt);
  const stop = scheduler.add({ prompt, maxTokens: 1, eosTokenIds: new Set(), sampler, states: pooled }, pooled);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await pooled.vector;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Prompts of one call that may wait for their turns. */
const AT_A_TIME = 8;

/** Each prompt's pooled states. Rejects with what their chunks fail with, or AbortError. */
export async function embed(
  scheduler: Scheduler, prompts: readonly (readonly number[])[], pooling: Pooling, signal: AbortSignal,
): Promise<Embeddings> {
  const vectors: Float32Array[] = [];
  while (vectors.length < prompts.length) {
    const some = prompts.slice(vectors.length, vectors.length + AT_A_TIME);
    vectors.push(...await Promise.all(some.map((prompt) => vectorOf(scheduler, prompt, pooling, signal))));
  }
  return { vectors, tokens: prompts.reduce((sum, { length }) => sum + length, 0) };
}
