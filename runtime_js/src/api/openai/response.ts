/** Builds the answers of a chat completion in OpenAI's shapes. */

import type { AnswerTimes, TokenCounts } from "../../engine/session.ts";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionFinishReason, CompletionUsage } from "./types.ts";

interface Timings extends AnswerTimes {
  readonly requested: number;
}

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? (count * 1000) / milliseconds : 0;
}

export function usage(tokens: TokenCounts, times: Timings): CompletionUsage {
  const decoded = Math.max(0, tokens.completion - 1); // the first token comes from the prefill
  const decodeTime = times.finished - times.firstToken;
  return {
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    total_tokens: tokens.prompt + tokens.completion,
    prompt_tokens_details: { cached_tokens: tokens.cached },
    extra: {
      e2e_latency_s: (times.finished - times.requested) / 1000,
      prefill_tokens_per_s: perSecond(tokens.prompt - tokens.cached, times.firstToken - times.prefillStarted),
      decode_tokens_per_s: perSecond(decoded, decodeTime),
      time_to_first_token_s: (times.firstToken - times.requested) / 1000,
      time_per_output_token_s: decoded > 0 ? decodeTime / decoded / 1000 : 0,
    },
  };
}

/** The fields that all chunks of one answer share. */
export class ResponseShape {
  readonly id = `chatcmpl-${crypto.randomUUID()}`;
  readonly created = Math.floor(Date.now() / 1000);

  constructor(readonly model: string) {}

  completion(content: string, finishReason: ChatCompletionFinishReason, tokensUsed: CompletionUsage): ChatCompletion {
    return {
      id: this.id,
      object: "chat.completion",
      created: this.created,
      model: this.model,
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finishReason, logprobs: null }],
      usage: tokensUsed,
    };
  }

  private chunk(fields: Pick<ChatCompletionChunk, "choices" | "usage">): ChatCompletionChunk {
    return { id: this.id, object: "chat.completion.chunk", created: this.created, model: this.model, ...fields };
  }

  roleChunk(): ChatCompletionChunk {
    return this.chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null, logprobs: null }] });
  }

  textChunk(content: string): ChatCompletionChunk {
    return this.chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null, logprobs: null }] });
  }

  finishChunk(finishReason: ChatCompletionFinishReason): ChatCompletionChunk {
    return this.chunk({ choices: [{ index: 0, delta: {}, finish_reason: finishReason, logprobs: null }] });
  }

  usageChunk(tokensUsed: CompletionUsage): ChatCompletionChunk {
    return this.chunk({ choices: [], usage: tokensUsed });
  }
}
