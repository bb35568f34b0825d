/** The generation loop. It knows tokens, the cache and a runner; not text, and not the GPU. */

import { ContextWindowSizeExceededError, InternalError } from "../support/errors.ts";
import type { Sampler } from "./sampler.ts";
import type { ModelRunner, Row, StepResult } from "../executor/runner.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Steps submitted before the first of them is read, so that the GPU never waits for the CPU: beside the one that is awaited as many
 * as take PIPELINE_MS, which covers the way of an id to the CPU and back. An end wastes them, so a slow GPU gets few, and one whose
 * step is NEGLIGIBLE times as long gets none.
 */
const PIPELINE_MS = 10;
const NEGLIGIBLE = 20;
const MAX_DEPTH = 6;

/** How many steps to keep in flight, from the time between the tokens read so far. */
export class PipelineDepth {
  #last: number | null = null;
  #average: number | null = null; // milliseconds of a step
  value = 2;

  /** Call at each token, with the time in milliseconds. */
  tokenRead(now: number): void {
    if (this.#last !== null) {
      const step = now - this.#last;
      this.#average = this.#average === null ? step : 0.75 * this.#average + 0.25 * step;
      const ahead = Math.ceil(PIPELINE_MS / Math.max(this.#average, 0.1) - 1 / NEGLIGIBLE);
      this.value = Math.min(MAX_DEPTH, 1 + ahead);
    }
    this.#last = now;
  }
}

export type FinishReason = "stop" | "length" | "abort";

export interface GeneratedToken {
  readonly token: number;
  /** Set on the last token. */
  readonly finishReason: FinishReason | null;
}

export interface GenerationOptions {
  readonly maxTokens: number;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly sampler: Sampler;
  /** Ends the generation with "abort" at the next token or prefill chunk. */
  readonly signal: AbortSignal;
}

export interface Prefilled {
  /** Tokens of the prompt that were in the cache already. */
  readonly cached: number;
  /** The first generated token, or null when aborted before the last chunk. */
  readonly first: Promise<StepResult> | null;
}

/** Brings the prompt into the cache, in chunks, but for what is there already. Raises ContextWindowSizeExceededError. */
export async function prefill(
  runner: ModelRunner, sequence: Sequence, prompt: readonly number[], { sampler, signal }: Pick<GenerationOptions, "sampler" | "signal">,
): Promise<Prefilled> {
  const { contextLength, prefillChunk } = runner.shape;
  if (prompt.length >= contextLength) {
    throw new ContextWindowSizeExceededError(
      `The conversation has ${prompt.length} tokens, the context window ${contextLength}. `
      + "Shorten it, start a new chat, or load with a larger context_window_size.",
      { promptTokens: prompt.length, contextWindowSize: contextLength });
  }
  const cached = sequence.reuse(prompt);
  let before: Promise<void> = Promise.resolve(); // the chunk before, still under way: the GPU never waits for the CPU
  for (let position = cached; ; position += prefillChunk) {
    if (signal.aborted) return { cached, first: null };
    const chunk = prompt.slice(position, position + prefillChunk);
    const cache = await sequence.append(chunk.length);
    if (position + chunk.length === prompt.length) {
      const first = runner.prefillAndSample(chunk, position, cache, sampler.next());
      sequence.commit(chunk);
      return { cached, first };
    }
    const done = expected(runner.prefill(chunk, position, cache));
    sequence.commit(chunk);
    await before;
    before = done;
  }
}

/**
 * Yields the generated tokens, an end token too; the last one says why it is the last. Steps are submitted before the tokens of
 * those before them are read; what was computed beyond the end is rolled back, also when the consumer leaves early.
 */
export async function* decode(
  runner: ModelRunner, sequence: Sequence, first: Promise<StepResult>, { maxTokens, eosTokenIds, sampler, signal }: GenerationOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  const limit = Math.min(maxTokens, runner.shape.contextLength - sequence.length);
  const inFlight = [expected(first)];
  const depth = new PipelineDepth();
  let submitted = 1;
  let latest: number | null = null; // the token read last, while no step that adds it to the cache is under way
  try {
    for (let read = 1; ; read++) {
      while (inFlight.length < depth.value && submitted < limit) {
        const position = sequence.length;
        inFlight.push(expected(step(runner, { position, cache: await sequence.append(1), sampling: sampler.next() })));
        submitted++;
        if (latest !== null) sequence.commit([latest]);
        latest = null;
      }
      const { token } = await inFlight.shift() ?? { token: 0 };
      depth.tokenRead(performance.now());
      if (submitted > read) sequence.commit([token]);
      else latest = token;
      const finishReason = eosTokenIds.has(token) ? "stop" : read >= limit ? "length" : signal.aborted ? "abort" : null;
      yield { token, finishReason };
      if (finishReason !== null) return;
    }
  } finally {
    sequence.trim(); // steps still under way write to pages that are free now; whoever takes those writes later
  }
}

/** A decode step of one row. */
async function step(runner: ModelRunner, row: Row): Promise<StepResult> {
  const [result] = await runner.decode([row]);
  if (result === undefined) throw new InternalError("A step of one row had no result.");
  return result;
}

/** Lets a promise fail unseen where nobody awaits it: a step beyond the end. */
function expected<T>(step: Promise<T>): Promise<T> {
  step.catch(() => undefined);
  return step;
}
