/** What is asked of a model and what comes back, in the engine's own terms; and how tokens become text. */

import type { TokenLogprobs } from "../executor/runner.ts";
import type { ChatMessage } from "../tokenizer/chat_tokenizer.ts";
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import { StopScanner } from "../tokenizer/stop_strings.ts";
import type { FinishReason, GenerationListener } from "./generation.ts";
import type { SamplingConfig } from "./sampler.ts";
import type { Structure } from "./structure/structure.ts";

/** A conversation to answer, or a text or tokens to continue; a text may have a `suffix`, which the answer leads up to. */
export type Prompt =
  | { readonly kind: "chat"; readonly messages: readonly ChatMessage[] }
  | { readonly kind: "text"; readonly text: string; readonly suffix?: string | undefined }
  | { readonly kind: "tokens"; readonly tokens: readonly number[] };

export interface AnswerRequest {
  readonly prompt: Prompt;
  /** Default: up to the end of the context. */
  readonly maxTokens?: number | undefined;
  readonly sampling: SamplingConfig;
  /** Which of several answers to the prompt it is: each draws its own. Default 0. */
  readonly choice?: number | undefined;
  /** Of those that wait for a turn a higher one goes first. Default 0. */
  readonly priority?: number | undefined;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
  /** What the answer's text must look like. */
  readonly structure?: Structure | undefined;
}

export interface TokenCounts {
  readonly prompt: number;
  /** Of the prompt, already in the KV cache. */
  readonly cached: number;
  readonly completion: number;
}

/** How long the parts of an answer took, in milliseconds. */
export interface AnswerTimes {
  /** Until its turn came. */
  readonly queued: number;
  /** Until the first token. */
  readonly prefill: number;
  /** From the first token to the end. */
  readonly decode: number;
}

/** What an answer is made of. The last event is its end; an answer that fails has none. */
export type AnswerEvent =
  /** `logprobs`: where the request asks for them. */
  | { readonly type: "token"; readonly token: number; readonly logprobs?: TokenLogprobs | undefined }
  /** Text that is certain with the tokens before it. */
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "end"; readonly finishReason: FinishReason; readonly tokens: TokenCounts; readonly times: AnswerTimes };

interface Sink {
  push(event: AnswerEvent): void;
  end(): void;
  fail(error: unknown): void;
}

/** Turns the tokens of one generation into events. */
export class AnswerWriter implements GenerationListener {
  readonly #detokenizer: Detokenizer;
  readonly #scanner: StopScanner;
  readonly #eosTokenIds: ReadonlySet<number>;
  readonly #sink: Sink;
  readonly #promptTokens: number;
  readonly #asked = performance.now();
  #begun = this.#asked;
  #first: number | null = null;
  #completion = 0;

  constructor(promptTokens: number, stop: readonly string[], eosTokenIds: ReadonlySet<number>, detokenizer: Detokenizer, sink: Sink) {
    this.#promptTokens = promptTokens;
    this.#scanner = new StopScanner(stop);
    this.#eosTokenIds = eosTokenIds;
    this.#detokenizer = detokenizer;
    this.#sink = sink;
  }

  begin(): void {
    this.#begun = performance.now();
  }

  token(token: number, logprobs?: TokenLogprobs): boolean {
    this.#first ??= performance.now();
    this.#completion++;
    this.#sink.push({ type: "token", token, ...(logprobs !== undefined && { logprobs }) });
    if (this.#eosTokenIds.has(token)) return true;
    const { text, stopped } = this.#scanner.push(this.#detokenizer.push(token));
    this.#write(text);
    return stopped;
  }

  end(finishReason: FinishReason, cached: number): void {
    this.#write(this.#scanner.end());
    const finished = performance.now();
    const first = this.#first ?? finished;
    this.#sink.push({
      type: "end",
      finishReason,
      tokens: { prompt: this.#promptTokens, cached, completion: this.#completion },
      times: { queued: this.#begun - this.#asked, prefill: first - this.#begun, decode: finished - first },
    });
    this.#sink.end();
  }

  fail(error: unknown): void {
    this.#sink.fail(error);
  }

  #write(text: string): void {
    if (text !== "") this.#sink.push({ type: "text", text });
  }
}
