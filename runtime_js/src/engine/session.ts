/** A loaded model and its one conversation: answers requests with text. */

import type { PlanExecutor } from "../executor/executor.ts";
import { Sampler, type SamplingConfig } from "./sampler.ts";
import { decode, prefill, type FinishReason } from "./generate.ts";
import type { Sequence } from "./sequence.ts";
import type { ChatMessage, ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";
import { StopScanner } from "../tokenizer/stop_strings.ts";

export interface AnswerRequest {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly sampling: SamplingConfig;
  readonly stop: readonly string[];
}

export interface TokenCounts {
  readonly prompt: number;
  /** Of the prompt, already in the KV cache. */
  readonly cached: number;
  readonly completion: number;
}

/** What was measured while one answer was made; times in milliseconds of `performance.now()`. */
export interface AnswerTimes {
  readonly prefillStarted: number;
  readonly firstToken: number;
  readonly finished: number;
}

export interface AnswerSummary {
  readonly finishReason: FinishReason;
  readonly tokens: TokenCounts;
  readonly times: AnswerTimes;
}

export interface SessionParts {
  readonly device: GPUDevice;
  readonly executor: PlanExecutor;
  readonly sequence: Sequence;
  readonly tokenizer: ChatTokenizer;
  readonly eosTokenIds: ReadonlySet<number>;
  /** What responses call the model. */
  readonly modelId: string;
}

export class Session {
  readonly modelId: string;
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.modelId = parts.modelId;
    this.#parts = parts;
  }

  /** Yields the answer's text as it becomes certain, and at last a summary. */
  async *answer(request: AnswerRequest, signal: AbortSignal): AsyncGenerator<string | AnswerSummary, void, undefined> {
    const { executor, sequence, tokenizer, eosTokenIds } = this.#parts;
    const prefillStarted = performance.now();
    const options = { maxTokens: request.maxTokens, eosTokenIds, sampler: new Sampler(request.sampling), signal };
    const prompt = tokenizer.encode(tokenizer.render(request.messages));
    const { cached, first } = await prefill(executor, sequence, prompt, options);

    const detokenizer = tokenizer.detokenizer();
    const scanner = new StopScanner(request.stop);
    let finishReason: FinishReason = "abort";
    let completion = 0;
    let firstToken = first === null ? performance.now() : 0;
    for await (const generated of first === null ? [] : decode(executor, sequence, first, options)) {
      if (completion++ === 0) firstToken = performance.now();
      finishReason = generated.finishReason ?? finishReason;
      if (eosTokenIds.has(generated.token)) break;
      const { text, stopped } = scanner.push(detokenizer.push(generated.token));
      if (text !== "") yield text;
      if (stopped) {
        finishReason = "stop";
        break;
      }
    }
    const held = scanner.end();
    if (held !== "") yield held;
    const tokens = { prompt: prompt.length, cached, completion };
    yield { finishReason, tokens, times: { prefillStarted, firstToken, finished: performance.now() } };
  }

  forgetConversation(): void {
    this.#parts.sequence.truncate(0);
  }

  /** For tests: the token ids of a prompt and of its answer, an end token too, through the ordinary path. */
  async tokenIds(request: AnswerRequest, signal: AbortSignal): Promise<{ prompt: number[]; ids: number[] }> {
    const { executor, sequence, tokenizer, eosTokenIds } = this.#parts;
    const options = { maxTokens: request.maxTokens, eosTokenIds, sampler: new Sampler(request.sampling), signal };
    const prompt = tokenizer.encode(tokenizer.render(request.messages));
    const { first } = await prefill(executor, sequence, prompt, options);
    const ids: number[] = [];
    if (first !== null) for await (const { token } of decode(executor, sequence, first, options)) ids.push(token);
    return { prompt, ids };
  }

  /** For tests: float32[vocab_size], the logits after a prompt, computed from an empty cache. */
  async logits(request: AnswerRequest): Promise<Float32Array> {
    const { executor, sequence, tokenizer } = this.#parts;
    const prompt = tokenizer.encode(tokenizer.render(request.messages));
    const { prefillChunk } = executor.shape;
    sequence.truncate(0);
    const last = prefillChunk * Math.floor((prompt.length - 1) / prefillChunk);
    for (let position = 0; position < last; position += prefillChunk) {
      await executor.prefill(prompt.slice(position, position + prefillChunk), position, await sequence.append(prefillChunk));
    }
    const logits = await executor.prefillLogits(prompt.slice(last), last, await sequence.append(prompt.length - last));
    sequence.truncate(0);
    return logits;
  }

  /**
   * For measurements: -log p of tokens of a text. Of each `window` tokens, from an empty cache, the first half is prefilled and the
   * rest decoded, one at a time.
   */
  async surprisals(text: string, window: number, signal: AbortSignal): Promise<number[]> {
    const { executor, sequence, tokenizer } = this.#parts;
    const tokens = tokenizer.encode(text);
    const given = Math.min(executor.shape.prefillChunk, window >> 1);
    const surprisals: number[] = [];
    for (let start = 0; start + window <= tokens.length && !signal.aborted; start += window) {
      sequence.truncate(0);
      let logits = await executor.prefillLogits(tokens.slice(start, start + given), 0, await sequence.append(given));
      for (let position = given; position < window; position++) {
        const token = tokens[start + position] ?? 0;
        surprisals.push(surprisal(logits, token));
        logits = await executor.decodeLogits(token, position, await sequence.append(1));
      }
    }
    sequence.truncate(0);
    return surprisals;
  }

  /**
   * For measurements: `performance.now()` at the start and as each of `count` tokens is read, decoded behind `context` tokens that
   * are in the cache but were never computed. The work is that of real ones.
   */
  async decodeTimes(context: number, count: number, signal: AbortSignal): Promise<number[]> {
    const { executor, sequence } = this.#parts;
    const sampler = new Sampler({ temperature: 0, topP: 1, seed: undefined });
    sequence.truncate(0);
    await sequence.append(context);
    sequence.commit(new Array<number>(context).fill(0));
    const times: number[] = [];
    const start = Promise.resolve({ token: 0 }); // stands for the token that a prefill would have sampled
    for await (const _ of decode(executor, sequence, start, { maxTokens: count + 1, eosTokenIds: new Set(), sampler, signal })) {
      times.push(performance.now());
    }
    sequence.truncate(0);
    return times;
  }

  dispose(): void {
    this.#parts.device.destroy(); // with everything that was made on it
  }
}

/** -log softmax(logits)[token] */
function surprisal(logits: Float32Array, token: number): number {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Math.log(sum) + largest - (logits[token] ?? NaN);
}
