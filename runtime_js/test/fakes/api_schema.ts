/** The API's requests as a schema, which has every field that their types have. */

import type {
  ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming, CompletionRequestNonStreaming, CompletionRequestStreaming, EmbeddingRequest,
} from "../../src/api/openai/types.ts";
import { MODEL } from "./engine.ts";
import type { Spec } from "./schema.ts";

/** A spec for each field of a request. */
type FieldsOf<R> = Readonly<Record<keyof R, Spec>>;

const MAX_TOKENS = 1 << 24;
const TOKEN: Spec = { is: "integer", least: 0, most: MAX_TOKENS, samples: [3, 9, 70] };
const TEXT: Spec = { is: "text", most: 1 << 24 };
const FLAG: Spec = { is: "boolean" };
/** At the first word that it allows. */
const limit = (also: readonly number[]): Spec => ({ is: "integer", least: 1, most: MAX_TOKENS, also, samples: [1, 2, 3] });
const number = (least: number, most: number): Spec => ({ is: "number", least, most });
const oneOf = (...values: readonly unknown[]): Spec => ({ is: "one of", values });
const list = (of: Spec, most: number, least = 0): Spec => ({ is: "list", of, most, least });
const record = (fields: Readonly<Record<string, Spec>>, ...needed: readonly string[]): Spec => ({ is: "object", fields, needed });
const json = (...samples: readonly object[]): Spec => ({ is: "json", samples });

const SCHEMA = { type: "object", properties: { sky: { enum: ["blue", "grey"] } }, required: ["sky"], additionalProperties: false };
/** As such, or as JSON text. */
const JSON_SCHEMA: Spec = { is: "any of", samples: [SCHEMA], specs: [json(SCHEMA), { is: "text", most: 1 << 20 }, oneOf(true)] };
const PARTS = (...types: readonly string[]): Spec => ({ is: "any of", specs: [TEXT, list(record({ type: oneOf(...types), text: TEXT }, "type", "text"), 256)] });
const NAME: Spec = { is: "text", least: 1, most: 64, pattern: /^[a-zA-Z0-9_-]+$/, samples: ["look", "find-2"] };

const TOOL_FIELDS = { name: NAME, description: TEXT, parameters: json(SCHEMA), strict: FLAG } as const;
const TOOL = record(TOOL_FIELDS, "name");

const SAMPLING: FieldsOf<Omit<CompletionRequestNonStreaming, "prompt" | "echo" | "suffix" | "logprobs">> = {
  model: { is: "text", most: 1024, samples: [MODEL, "", "gpt-4"] },
  max_tokens: limit([-1]),
  temperature: number(0, 2), top_p: number(0, 1), min_p: number(0, 1),
  top_k: { is: "integer", least: 0, most: MAX_TOKENS, also: [-1], samples: [-1, 0, 1, 5, 5000] },
  repetition_penalty: number(0.01, 100), frequency_penalty: number(-2, 2), presence_penalty: number(-2, 2),
  logit_bias: { is: "map", key: /^[0-9]{1,8}$/, of: number(-100, 100), most: 1024 },
  seed: { is: "integer", least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER },
  stop: { is: "any of", specs: [{ is: "text", most: 256 }, list({ is: "text", most: 256 }, 16)] },
  stop_token_ids: list(TOKEN, 256), ignore_eos: FLAG, n: { is: "integer", least: 1, most: 128, samples: [1, 2] },
  context_overflow: oneOf("error", "drop_oldest", "truncate_middle"),
  response_format: { is: "any of", samples: [{ type: "text" }, { type: "json_schema", json_schema: { name: "sky", schema: SCHEMA, strict: true } }], specs: [
    record({ type: oneOf("text") }, "type"), record({ type: oneOf("json_object"), schema: JSON_SCHEMA }, "type"),
    record({ type: oneOf("json_schema"), json_schema: record({ name: NAME, description: TEXT, schema: JSON_SCHEMA, strict: FLAG }, "name") }, "type", "json_schema"),
  ] },
  stream_options: record({ include_usage: FLAG, include_obfuscation: FLAG }), stream: FLAG,
  speculation: oneOf("auto", "off"), draft: { is: "text", most: 8192, samples: [""] },
};

const CHAT: FieldsOf<ChatCompletionRequestNonStreaming | ChatCompletionRequestStreaming> = {
  ...SAMPLING,
  messages: list({ is: "any of", specs: [
    record({ role: oneOf("system", "user", "developer"), content: PARTS("text"), name: { is: "text", most: 1024 } }, "role", "content"),
    record({ role: oneOf("assistant"), content: PARTS("text"), reasoning_content: TEXT }, "role"),
  ] }, 4096, 1),
  max_completion_tokens: limit([-1]), logprobs: FLAG, top_logprobs: { is: "integer", least: 0, most: 20 },
  tools: list(record({ type: oneOf("function"), function: TOOL }, "type", "function"), 1024),
  tool_choice: oneOf("none", "auto", "required"), parallel_tool_calls: FLAG, chat_template_kwargs: json({ a: 1 }), special_tokens: oneOf("escape", "parse"), keep_tokens: FLAG,
  reasoning_effort: oneOf("none", "minimal", "low", "medium", "high", "xhigh", "max"), thinking_budget: { is: "integer", least: 0, most: MAX_TOKENS },
  prediction: record({ type: oneOf("content"), content: PARTS("text") }, "type", "content"),
  extra_body: record({ enable_thinking: FLAG }), enable_thinking: FLAG, thinking: record({ type: oneOf("enabled", "disabled") }),
};

const PROMPTS = (most: number): Spec => {
  const [text, tokens] = [{ ...TEXT, least: 1 }, list(TOKEN, 1 << 24, 1)];
  return { is: "any of", specs: [text, list(text, most, 1), tokens, list(tokens, most, 1), list({ is: "any of", specs: [text, tokens] }, most, 1)] };
};

const COMPLETION: FieldsOf<CompletionRequestNonStreaming | CompletionRequestStreaming> = {
  ...SAMPLING, prompt: PROMPTS(128), echo: FLAG, suffix: { ...TEXT, samples: [""] },
  logprobs: { is: "any of", specs: [{ is: "integer", least: 0, most: 20 }, FLAG] },
};

const EMBEDDING: FieldsOf<EmbeddingRequest> = {
  input: PROMPTS(2048), model: SAMPLING.model, encoding_format: oneOf("float", "base64"), pooling: oneOf("last", "mean"), user: TEXT,
  prompt_name: { ...TEXT, samples: [] }, truncate: FLAG,
  dimensions: { is: "integer", least: 1, most: 1 << 16, samples: [1, 4] },
};

const RESPONSE: Readonly<Record<string, Spec>> = {
  model: SAMPLING.model,
  input: { is: "any of", specs: [TEXT, list(record(
    { type: oneOf("message"), role: oneOf("user", "system", "developer"), content: PARTS("input_text") }, "role", "content"), 4096, 1)] },
  instructions: TEXT, max_output_tokens: limit([]), temperature: number(0, 2), top_p: number(0, 1), stream: FLAG,
  metadata: { is: "map", key: /^[a-z]/i, of: { is: "text", most: 1024 }, most: 16, samples: [{ a: "b" }] },
  tools: list(record({ type: oneOf("function"), ...TOOL_FIELDS }, "type", "name"), 1024),
  tool_choice: oneOf("none", "auto"), parallel_tool_calls: FLAG, reasoning: record({ effort: oneOf("none", "low", "high") }),
  text: record({ format: record({ type: oneOf("text") }, "type") }),
};

/** By path: each endpoint's fields, and those that every request here has, so that it is short. */
export const ENDPOINTS: Readonly<Record<string, { readonly fields: Readonly<Record<string, Spec>>; readonly needed: readonly string[] }>> = {
  "chat/completions": { fields: CHAT, needed: ["messages", "max_completion_tokens"] },
  completions: { fields: COMPLETION, needed: ["prompt", "max_tokens"] },
  embeddings: { fields: EMBEDDING, needed: ["input"] },
  responses: { fields: RESPONSE, needed: ["input", "max_output_tokens"] },
};
