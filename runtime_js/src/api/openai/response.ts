/** Builds answers in OpenAI's shapes. */

import type { AnswerTimes, TokenCounts } from "../../engine/answer.ts";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionFinishReason, Completion, CompletionUsage } from "./types.ts";

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? (count * 1000) / milliseconds : 0;
}

export function usage(tokens: TokenCounts, { queued, prefill, decode }: AnswerTimes): CompletionUsage {
  const decoded = Math.max(0, tokens.completion - 1); // the first token comes from the prefill
  return {
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    total_tokens: tokens.prompt + tokens.completion,
    prompt_tokens_details: { cached_tokens: tokens.cached },
    extra: {
      e2e_latency_s: (queued + prefill + decode) / 1000,
      prefill_tokens_per_s: perSecond(tokens.prompt - tokens.cached, prefill),
      decode_tokens_per_s: perSecond(decoded, decode),
      time_to_first_token_s: (queued + prefill) / 1000,
      time_per_output_token_s: decoded > 0 ? decode / decoded / 1000 : 0,
    },
  };
}

/** How one kind of answer is written, whole (`W`) or in pieces (`P`). Made once for each answer, whose id and time all pieces share. */
export interface ResponseShape<W, P> {
  whole(text: string, finishReason: ChatCompletionFinishReason, used: CompletionUsage): W;
  /** What a stream begins with, before there is text. */
  first(): P[];
  text(text: string): P;
  finish(finishReason: ChatCompletionFinishReason): P;
  usage(used: CompletionUsage): P;
}

interface Common {
  id: string;
  created: number;
  model: string;
}

function common(prefix: string, model: string): Common {
  return { id: `${prefix}-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}

export class ChatShape implements ResponseShape<ChatCompletion, ChatCompletionChunk> {
  readonly #common: Common;

  constructor(model: string) {
    this.#common = common("chatcmpl", model);
  }

  whole(content: string, finish_reason: ChatCompletionFinishReason, used: CompletionUsage): ChatCompletion {
    const message = { role: "assistant", content, refusal: null } as const;
    return { ...this.#common, object: "chat.completion", choices: [{ index: 0, message, finish_reason, logprobs: null }], usage: used };
  }

  #chunk(delta: { role?: "assistant"; content?: string }, finish_reason: ChatCompletionFinishReason | null): ChatCompletionChunk {
    return { ...this.#common, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason, logprobs: null }] };
  }

  first(): ChatCompletionChunk[] {
    return [this.#chunk({ role: "assistant", content: "" }, null)];
  }

  text(content: string): ChatCompletionChunk {
    return this.#chunk({ content }, null);
  }

  finish(finishReason: ChatCompletionFinishReason): ChatCompletionChunk {
    return this.#chunk({}, finishReason);
  }

  usage(used: CompletionUsage): ChatCompletionChunk {
    return { ...this.#common, object: "chat.completion.chunk", choices: [], usage: used };
  }
}

export class TextShape implements ResponseShape<Completion, Completion> {
  readonly #common: Common;

  constructor(model: string) {
    this.#common = common("cmpl", model);
  }

  #piece(text: string, finish_reason: ChatCompletionFinishReason | null): Completion {
    return { ...this.#common, object: "text_completion", choices: [{ index: 0, text, finish_reason, logprobs: null }] };
  }

  whole(text: string, finishReason: ChatCompletionFinishReason, used: CompletionUsage): Completion {
    return { ...this.#piece(text, finishReason), usage: used };
  }

  first(): Completion[] {
    return [];
  }

  text(text: string): Completion {
    return this.#piece(text, null);
  }

  finish(finishReason: ChatCompletionFinishReason): Completion {
    return this.#piece("", finishReason);
  }

  usage(used: CompletionUsage): Completion {
    return { ...this.#common, object: "text_completion", choices: [], usage: used };
  }
}
