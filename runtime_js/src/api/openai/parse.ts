/** Reads the answers that come from a worker; what has another shape is an error of the reader's choice. */

import type { Fields } from "../../support/fields.ts";
import type { ChatCompletion, ChatCompletionChunk, CompletionUsage } from "./types.ts";

const MAX_TEXT = 1 << 26;
const MAX_NAME = 1024;
const FINISH_REASONS = ["stop", "length", "abort"] as const;

function parseUsage(usage: Fields): CompletionUsage {
  const count = (key: string): number => usage.integer(key, 0, Number.MAX_SAFE_INTEGER);
  const details = usage.object("prompt_tokens_details");
  const extra = usage.object("extra");
  const measure = (key: string): number => extra.number(key, 0, Number.MAX_VALUE);
  return {
    prompt_tokens: count("prompt_tokens"),
    completion_tokens: count("completion_tokens"),
    total_tokens: count("total_tokens"),
    prompt_tokens_details: { cached_tokens: details.integer("cached_tokens", 0, Number.MAX_SAFE_INTEGER) },
    extra: {
      e2e_latency_s: measure("e2e_latency_s"),
      prefill_tokens_per_s: measure("prefill_tokens_per_s"),
      decode_tokens_per_s: measure("decode_tokens_per_s"),
      time_to_first_token_s: measure("time_to_first_token_s"),
      time_per_output_token_s: measure("time_per_output_token_s"),
    },
  };
}

export function parseCompletion(value: Fields): ChatCompletion {
  return {
    id: value.string("id", MAX_NAME),
    object: value.oneOf("object", ["chat.completion"]),
    created: value.integer("created", 0, Number.MAX_SAFE_INTEGER),
    model: value.string("model", MAX_NAME),
    choices: value.objects("choices", 1, (choice) => {
      const message = choice.object("message");
      return {
        index: choice.oneOf("index", [0]),
        message: { role: message.oneOf("role", ["assistant"]), content: message.string("content", MAX_TEXT) },
        finish_reason: choice.oneOf("finish_reason", FINISH_REASONS),
        logprobs: null,
      };
    }),
    usage: parseUsage(value.object("usage")),
  };
}

export function parseChunk(value: Fields): ChatCompletionChunk {
  const usage = value.optional("usage", (key) => parseUsage(value.object(key)));
  return {
    id: value.string("id", MAX_NAME),
    object: value.oneOf("object", ["chat.completion.chunk"]),
    created: value.integer("created", 0, Number.MAX_SAFE_INTEGER),
    model: value.string("model", MAX_NAME),
    choices: value.objects("choices", 1, (choice) => {
      const delta = choice.object("delta");
      return {
        index: choice.oneOf("index", [0]),
        delta: {
          ...(delta.has("role") && { role: delta.oneOf("role", ["assistant"]) }),
          ...(delta.has("content") && { content: delta.string("content", MAX_TEXT) }),
        },
        finish_reason: choice.optional("finish_reason", (key) => choice.oneOf(key, FINISH_REASONS)) ?? null,
        logprobs: null,
      };
    }),
    ...(usage !== undefined && { usage }),
  };
}
