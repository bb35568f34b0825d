/** What a text means to a model, as one vector: the states that its tokens end with, pooled. */

import type { EmbeddingFacts, Pooling } from "../storage/embedding_facts.ts";
import { childController, onAbort } from "../support/abort.ts";
import { AbortError, RequestValidationError } from "../support/errors.ts";
import type { RunnerShape } from "../executor/runner.ts";
import type { Prompt } from "./answer.ts";
import type { FinishReason, GenerationListener, StateListener } from "./generation.ts";
import { CHUNK_MS } from "./pace.ts";
import type { EmbeddingCall, Embeddings } from "./pooling.ts";
import { Sampler } from "./sampler.ts";
import type { Scheduler } from "./scheduler.ts";

/** Nothing is drawn. */
const NO_SAMPLING = { temperature: 0, topP: 1, seed: 0 };

/** How chunks of a text are pooled: `encode` of an embedding model has done it, of another it gives the last state and the sum of all. */
export type Pool = "done" | "whole" | "last" | "mean";

class Pooled implements StateListener, GenerationListener {
  readonly vector: Promise<Float32Array>;
  readonly needsAll: boolean;
  readonly isWhole: boolean;
  #resolve: (vector: Float32Array | Promise<Float32Array>) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  /** Of the chunks so far. */
  #states: Promise<Float32Array>[] = [];
  readonly #pool: Pool;
  readonly #count: number;

  constructor(pool: Pool, count: number, readonly texts: readonly number[] | undefined) {
    this.isWhole = pool === "whole";
    this.needsAll = pool === "mean" || this.isWhole;
    this.#pool = pool;
    this.#count = count;
    this.vector = new Promise((resolve, reject) => { [this.#resolve, this.#reject] = [resolve, reject]; });
  }

  take(states: Promise<Float32Array>, position: number): void {
    if (position === 0 || !this.needsAll) this.#states = [];
    this.#states.push(states);
  }

  async #pooled(chunks: readonly Promise<Float32Array>[]): Promise<Float32Array> {
    const states = await Promise.all(chunks);
    const last = states.at(-1) ?? new Float32Array();
    if (this.#pool === "done" || this.#pool === "whole") return last;
    const size = last.length / 2;
    if (this.#pool === "last") return last.slice(0, size);
    const mean = new Float32Array(size);
    for (const values of states) values.subarray(size).forEach((value, i) => { mean[i] = (mean[i] ?? 0) + value / this.#count; });
    return mean;
  }

  begin(): void {}

  token(): boolean {
    return true;
  }

  end(reason: FinishReason): void {
    if (reason === "abort") this.#reject(new AbortError("The embedding was aborted."));
    else this.#resolve(this.#pooled(this.#states));
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** Raises RequestValidationError where a request asks for another pooling than the model was made for, or for more values than its vectors have. */
export function poolFor({ pooling, dimensions }: EmbeddingCall, embedding: EmbeddingFacts | undefined, { pooledFloats }: RunnerShape): Pool {
  const pool = poolOf(pooling, embedding);
  const size = embedding === undefined ? pooledFloats / 2 : pooledFloats;
  if ((dimensions ?? 0) <= size) return pool;
  throw new RequestValidationError(`dimensions is ${dimensions}, and this model's vectors have ${size} values.`, { param: "dimensions" });
}

function poolOf(asked: Pooling | undefined, embedding: EmbeddingFacts | undefined): Pool {
  if (embedding === undefined) {
    if (asked !== "cls") return asked ?? "last";
    throw new RequestValidationError('pooling is "cls", and of a language model the first token has seen nothing: take "last" or "mean".', { param: "pooling" });
  }
  if ((asked ?? embedding.pooling) === embedding.pooling) return embedding.whole ? "whole" : "done";
  throw new RequestValidationError(`pooling is "${asked}", and this model was made for "${embedding.pooling}": leave it out.`, { param: "pooling" });
}

/** The inputs, texts with the prompt before them that the request names, or that the model has for all. Raises RequestValidationError. */
export function textsToEmbed({ inputs, promptName }: EmbeddingCall, embedding: EmbeddingFacts | undefined): readonly Prompt[] {
  const name = promptName ?? embedding?.defaultPrompt;
  if (name === undefined) return inputs;
  const prompt = embedding?.prompts.get(name);
  if (prompt === undefined) {
    const known = [...embedding?.prompts.keys() ?? []].map((one) => `"${one}"`).join(", ");
    throw new RequestValidationError(`prompt_name is "${name}", and this model has ${known === "" ? "no prompts" : `only ${known}`}.`, { param: "prompt_name" });
  }
  if (promptName !== undefined && inputs.some(({ kind }) => kind === "tokens")) {
    throw new RequestValidationError("prompt_name needs texts; token ids are taken as they are.", { param: "prompt_name" });
  }
  return inputs.map((input) => (input.kind === "text" ? { ...input, text: prompt + input.text } : input));
}

/** The first of a text's tokens, and what the tokenizer puts before and behind all of them; `inner`: the text's own tokens. */
export function withoutEnd(tokens: readonly number[], inner: readonly number[], most: number): readonly number[] {
  const added = tokens.length - inner.length;
  const before = Array.from({ length: added + 1 }, (_, i) => i).find((i) => inner.every((token, place) => tokens[i + place] === token)) ?? 0;
  const behind = added - before;
  return [...tokens.slice(0, Math.max(0, most - behind)), ...tokens.slice(tokens.length - behind)].slice(0, most);
}

async function vectorsOf(scheduler: Scheduler, { prompt, texts }: Batch, pool: Pool, signal: AbortSignal, added?: () => void): Promise<readonly Float32Array[]> {
  signal.throwIfAborted();
  const pooled = new Pooled(pool, prompt.length, texts);
  const sampler = new Sampler(NO_SAMPLING, prompt);
  const stop = scheduler.add({ prompt, maxTokens: 1, eosTokenIds: new Set(), sampler, states: pooled }, pooled);
  const forget = onAbort(signal, stop);
  added?.();
  try {
    const vectors = await pooled.vector;
    const count = texts?.length ?? 1;
    return Array.from({ length: count }, (_, i) => vectors.slice(vectors.length / count * i, vectors.length / count * (i + 1)));
  } finally {
    forget();
  }
}

/** What comes in one call: a text, or several of these lengths, each from a page's begin on. */
interface Batch {
  readonly prompt: readonly number[];
  readonly texts?: readonly number[] | undefined;
}

/** Texts of a call have at most so many tokens together: weights are read once for all, but matrix products work on no more at a time. */
const TOGETHER = 256;

/** Short texts beside each other, in their order, where the model takes several in a call that is not too long for this machine. */
function batchesOf(prompts: readonly (readonly number[])[], shape: RunnerShape, pool: Pool): Batch[] {
  const { mostTexts = 1, pageSize, contextLength, prefillChunk, tokenMs = 0 } = shape;
  if (pool !== "whole" || mostTexts === 1) return prompts.map((prompt) => ({ prompt }));
  const most = Math.min(contextLength, prefillChunk, TOGETHER, CHUNK_MS / tokenMs);
  const batches: { prompt: number[]; texts: number[] }[] = [];
  for (const prompt of prompts) {
    const last = batches.at(-1);
    const begin = Math.ceil((last?.prompt.length ?? 0) / pageSize) * pageSize;
    if (last === undefined || last.texts.length === mostTexts || begin + prompt.length > most) {
      batches.push({ prompt: [...prompt], texts: [prompt.length] });
    } else {
      last.prompt.push(...new Array<number>(begin - last.prompt.length).fill(0), ...prompt);
      last.texts.push(prompt.length);
    }
  }
  return batches;
}

/** Batches of one request that may wait for their turns. */
const AT_A_TIME = 8;

/** Each prompt's pooled states. Rejects with what their chunks fail with, or AbortError. accepted: called where all of some batches have their places in the queue. */
export async function embed(
  scheduler: Scheduler, prompts: readonly (readonly number[])[], shape: RunnerShape, pool: Pool, signal: AbortSignal, accepted?: () => void,
): Promise<Embeddings> {
  const batches = batchesOf(prompts, shape, pool);
  const vectors: Float32Array[] = [];
  const all = childController(signal);
  try {
    for (let first = 0; first < batches.length; first += AT_A_TIME) {
      const some = batches.slice(first, first + AT_A_TIME).map((batch, i, { length }) => (
        vectorsOf(scheduler, batch, pool, all.signal, i + 1 === length ? accepted : undefined)));
      vectors.push(...(await Promise.all(some)).flat());
    }
  } finally {
    all.abort(); // where one failed nobody wants the others
  }
  return { vectors, tokens: prompts.reduce((sum, { length }) => sum + length, 0) };
}
