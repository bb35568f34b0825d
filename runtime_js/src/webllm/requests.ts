/** WebLLM's requests as this engine's own. What neither knows is left out, as WebLLM does. */

import { MAX_TOKENS } from "../api/openai/request.ts";
import type { ChatCompletionRequest, CompletionRequest, ResponseFormat as OwnFormat } from "../api/openai/types.ts";
import { SAMPLING_RANGES } from "../storage/sampling_defaults.ts";
import type { ChatCompletionMessageParam, ChatCompletionRequestBase, CompletionCreateParamsBase, EmbeddingCreateParams, ResponseFormat } from "./messages.ts";
import type { Defaults } from "./settings.ts";

type OwnChatRequest = Omit<ChatCompletionRequest, "stream" | "stream_options">;
type OwnTextRequest = Omit<CompletionRequest, "stream" | "stream_options">;

function ownFormat(format: ResponseFormat | null | undefined): OwnFormat | null {
  const { type, schema, grammar, structural_tag, json_schema } = format ?? {};
  if (type === "json_schema" && json_schema !== undefined) return { type, json_schema };
  if (type === "json_object") return { type, schema };
  if (type === "grammar" && grammar !== undefined) return { type, grammar };
  if (type === "structural_tag" && structural_tag !== undefined) return { type, structural_tag };
  return null;
}

/** WebLLM knows no upper bounds: what is beyond this engine's counts as the bound. */
function bounded(value: number | null | undefined, [least, most]: readonly [number, number]): number | null | undefined {
  return typeof value === "number" ? Math.min(Math.max(value, least), most) : value;
}

/** What the request or the model's settings say. */
function sampling(request: ChatCompletionRequestBase | CompletionCreateParamsBase, defaults: Defaults): Omit<OwnTextRequest, "prompt"> {
  const { top_k, min_p, logit_bias, seed, ignore_eos, n, speculation, draft } = request;
  return {
    top_k, min_p, logit_bias, seed, ignore_eos, n, speculation, draft,
    max_tokens: bounded(typeof request.max_tokens === "number" ? Math.ceil(request.max_tokens) : request.max_tokens, [1, MAX_TOKENS]),
    temperature: bounded(request.temperature ?? defaults.temperature, SAMPLING_RANGES.temperature),
    top_p: request.top_p ?? defaults.top_p,
    repetition_penalty: bounded(request.repetition_penalty ?? defaults.repetition_penalty, SAMPLING_RANGES.repetitionPenalty),
    frequency_penalty: request.frequency_penalty ?? defaults.frequency_penalty,
    presence_penalty: request.presence_penalty ?? defaults.presence_penalty,
    stop: [...listOf(request.stop), ...listOf(defaults.stop)],
    stop_token_ids: [...request.stop_token_ids ?? [], ...defaults.stop_token_ids ?? []],
    context_overflow: request.context_overflow ?? defaults.context_overflow,
  };
}

function listOf(stop: string | readonly string[] | null | undefined): readonly string[] {
  return typeof stop === "string" ? [stop] : stop ?? [];
}

function withSystem(messages: readonly ChatCompletionMessageParam[], { systemMessage }: Defaults): readonly ChatCompletionMessageParam[] {
  if (systemMessage === undefined || messages[0]?.role === "system") return messages;
  return [{ role: "system", content: systemMessage }, ...messages];
}

export function ownChatRequest(request: ChatCompletionRequestBase, model: string, defaults: Defaults): OwnChatRequest {
  const {
    max_completion_tokens, parallel_tool_calls, chat_template_kwargs, special_tokens, reasoning_effort, thinking_budget, prediction,
    logprobs, top_logprobs, tools, tool_choice, extra_body,
  } = request;
  const { enable_thinking, resumable } = extra_body ?? {};
  return {
    ...sampling(request, defaults), model, messages: withSystem(request.messages, defaults),
    max_completion_tokens, parallel_tool_calls, chat_template_kwargs, special_tokens, reasoning_effort, thinking_budget, prediction,
    keep_tokens: request.keep_tokens ?? true, // as in WebLLM, whose cache holds the conversation
    logprobs, top_logprobs, tool_choice, tools: tools?.length === 0 ? null : tools,
    response_format: ownFormat(request.response_format),
    extra_body: { enable_thinking, resumable },
  };
}

export function ownTextRequest(request: CompletionCreateParamsBase, model: string, defaults: Defaults): OwnTextRequest {
  const { prompt, echo, logprobs, top_logprobs } = request;
  return { ...sampling(request, defaults), model, prompt, echo, logprobs: logprobs === true ? top_logprobs ?? 0 : null };
}

/** WebLLM's tokenizer puts nothing around a text, so that programs write BERT's marks themselves. This one puts them there. */
export function ownInput(input: EmbeddingCreateParams["input"]): EmbeddingCreateParams["input"] {
  if (typeof input === "string") return withoutMarks(input);
  const texts = input.filter((one) => typeof one === "string");
  return texts.length === input.length ? texts.map(withoutMarks) : input;
}

function withoutMarks(text: string): string {
  return /^\s*\[CLS\](.*\S.*)\[SEP\]\s*$/s.exec(text)?.[1]?.trim() ?? text;
}
