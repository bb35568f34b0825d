/** WebLLM's types of requests and answers. What this engine takes beside them is taken from its own types. */

import type { ChatCompletionRequest as OwnChatRequest, ChatCompletionTokenLogprob, CompletionRequest as OwnTextRequest, ResponseFormat as OwnFormat } from "../api/openai/types.ts";

export type { ChatCompletionTokenLogprob, TopLogprob } from "../api/openai/types.ts";

export type ChatCompletionRole = "system" | "user" | "assistant" | "tool" | "function";
export type ChatCompletionFinishReason = "stop" | "length" | "tool_calls" | "abort";

export interface ChatCompletionContentPartText {
  text: string;
  type: "text";
}

export interface ChatCompletionContentPartImage {
  image_url: { url: string; detail?: "auto" | "low" | "high" };
  type: "image_url";
}

export interface ChatCompletionAudioInputWav {
  /** Base64, or a data URL. */
  data: string;
  format: "wav";
}

/** Of one channel. */
export interface ChatCompletionAudioInputPCM {
  data: Float32Array;
  format: "pcm_f32";
  sample_rate: number;
}

export type ChatCompletionAudioInput = ChatCompletionAudioInputWav | ChatCompletionAudioInputPCM;

export interface ChatCompletionContentPartInputAudio {
  input_audio: ChatCompletionAudioInput;
  type: "input_audio";
}

export type ChatCompletionContentPart = ChatCompletionContentPartText | ChatCompletionContentPartImage | ChatCompletionContentPartInputAudio;

export interface ChatCompletionMessageToolCall {
  id: string;
  function: { arguments: string; name: string };
  type: "function";
}

export interface ChatCompletionSystemMessageParam {
  content: string;
  role: "system";
}

export interface ChatCompletionUserMessageParam {
  content: string | ChatCompletionContentPart[];
  role: "user";
  name?: string;
}

export interface ChatCompletionAssistantMessageParam {
  role: "assistant";
  content?: string | null;
  name?: string;
  tool_calls?: ChatCompletionMessageToolCall[];
}

export interface ChatCompletionToolMessageParam {
  content: string;
  role: "tool";
  tool_call_id: string;
}

export type ChatCompletionMessageParam =
  ChatCompletionSystemMessageParam | ChatCompletionUserMessageParam | ChatCompletionAssistantMessageParam | ChatCompletionToolMessageParam;

export type FunctionParameters = Record<string, unknown>;

export interface FunctionDefinition {
  name: string;
  description?: string;
  parameters?: FunctionParameters;
}

export interface ChatCompletionTool {
  function: FunctionDefinition;
  type: "function";
}

export interface ChatCompletionNamedToolChoice {
  function: { name: string };
  type: "function";
}

export type ChatCompletionToolChoiceOption = "none" | "auto" | ChatCompletionNamedToolChoice;

export interface ChatCompletionStreamOptions {
  include_usage?: boolean;
}

export interface ResponseFormat {
  type?: "text" | "json_object" | "grammar" | "structural_tag" | "json_schema";
  /** A JSON Schema as JSON text, of a `json_object`. */
  schema?: string;
  /** In EBNF. */
  grammar?: string;
  structural_tag?: object | string;
  /** OpenAI's. Not of WebLLM. */
  json_schema?: Extract<OwnFormat, { type: "json_schema" }>["json_schema"];
}

/** What WebLLM has not. */
type Further = Pick<OwnChatRequest, "max_completion_tokens" | "top_k" | "min_p" | "stop_token_ids" | "parallel_tool_calls" | "chat_template_kwargs"
  | "special_tokens" | "keep_tokens" | "reasoning_effort" | "thinking_budget" | "prediction" | "context_overflow" | "speculation" | "draft">;

/** Tokens are kept one by one, so that of these only the first two matter. */
export interface ResumableGenerationConfig {
  enabled: boolean;
  sessionId?: string;
  checkpointIntervalTokens?: number;
  checkpointPrompt?: boolean;
  durabilityMode?: "exact" | "relaxed";
  strictPersistence?: boolean;
  storeCheckpointLogits?: boolean;
}

export interface ChatCompletionRequestBase extends Further {
  messages: ChatCompletionMessageParam[];
  stream?: boolean | null;
  stream_options?: ChatCompletionStreamOptions | null;
  n?: number | null;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  repetition_penalty?: number | null;
  max_tokens?: number | null;
  stop?: string | null | string[];
  temperature?: number | null;
  top_p?: number | null;
  logit_bias?: Record<string, number> | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  seed?: number | null;
  tool_choice?: ChatCompletionToolChoiceOption;
  tools?: ChatCompletionTool[];
  response_format?: ResponseFormat;
  ignore_eos?: boolean;
  model?: string | null;
  extra_body?: {
    enable_thinking?: boolean | null;
    enable_latency_breakdown?: boolean | null;
    resumable?: ResumableGenerationConfig | null;
  };
}

export interface ChatCompletionRequestNonStreaming extends ChatCompletionRequestBase {
  stream?: false | null;
}

export interface ChatCompletionRequestStreaming extends ChatCompletionRequestBase {
  stream: true;
}

export type ChatCompletionRequest = ChatCompletionRequestNonStreaming | ChatCompletionRequestStreaming;

export interface Logprobs {
  content: ChatCompletionTokenLogprob[] | null;
}

export interface ChatCompletionMessage {
  content: string | null;
  role: "assistant";
  tool_calls?: ChatCompletionMessageToolCall[];
  /** What the model thought before it answered. Not of WebLLM, which leaves it in the content. */
  reasoning_content?: string;
}

/** Seconds of each token. */
export interface LatencyBreakdown {
  logitProcessorTime: number[];
  logitBiasTime: number[];
  penaltyTime: number[];
  sampleTime: number[];
  totalTime: number[];
  grammarBitmaskTime: number[];
}

export interface CompletionUsage {
  completion_tokens: number;
  /** Those that were computed: what an earlier request left in the cache does not count. */
  prompt_tokens: number;
  total_tokens: number;
  extra: {
    e2e_latency_s: number;
    prefill_tokens_per_s: number;
    decode_tokens_per_s: number;
    time_to_first_token_s: number;
    time_per_output_token_s: number;
    grammar_init_s?: number;
    grammar_per_token_s?: number;
    latencyBreakdown?: LatencyBreakdown;
  };
}

export interface ChatCompletion {
  id: string;
  choices: { finish_reason: ChatCompletionFinishReason; index: number; logprobs: Logprobs | null; message: ChatCompletionMessage }[];
  model: string;
  object: "chat.completion";
  created: number;
  usage?: CompletionUsage;
  system_fingerprint?: string;
}

export interface ChatCompletionDelta {
  content?: string | null;
  role?: "system" | "user" | "assistant" | "tool";
  tool_calls?: { index: number; id?: string; function?: { arguments?: string; name?: string }; type?: "function" }[];
  reasoning_content?: string;
}

export interface ChatCompletionChunk {
  id: string;
  choices: { delta: ChatCompletionDelta; finish_reason: ChatCompletionFinishReason | null; index: number; logprobs?: Logprobs | null }[];
  created: number;
  model: string;
  object: "chat.completion.chunk";
  system_fingerprint?: string;
  usage?: CompletionUsage;
}

export interface CompletionCreateParamsBase extends Pick<OwnTextRequest, "top_k" | "min_p" | "stop_token_ids" | "context_overflow" | "speculation" | "draft"> {
  prompt: string;
  echo?: boolean | null;
  frequency_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  max_tokens?: number | null;
  n?: number | null;
  presence_penalty?: number | null;
  repetition_penalty?: number | null;
  seed?: number | null;
  stop?: string | null | string[];
  stream?: boolean | null;
  stream_options?: ChatCompletionStreamOptions | null;
  temperature?: number | null;
  top_p?: number | null;
  ignore_eos?: boolean;
  model?: string | null;
  /** WebLLM refuses this and the next two, and so does this. */
  suffix?: string | null;
  user?: string;
  best_of?: number | null;
  extra_body?: { enable_latency_breakdown?: boolean | null };
}

export interface CompletionCreateParamsNonStreaming extends CompletionCreateParamsBase {
  stream?: false | null;
}

export interface CompletionCreateParamsStreaming extends CompletionCreateParamsBase {
  stream: true;
}

export type CompletionCreateParams = CompletionCreateParamsNonStreaming | CompletionCreateParamsStreaming;

export interface CompletionChoice {
  finish_reason: ChatCompletionFinishReason | null;
  index: number;
  logprobs?: Logprobs | null;
  text: string;
}

/** A continued text, or a piece of one. */
export interface Completion {
  id: string;
  choices: CompletionChoice[];
  created: number;
  model: string;
  object: "text_completion";
  system_fingerprint?: string;
  usage?: CompletionUsage;
}

export interface Embedding {
  embedding: number[];
  index: number;
  object: "embedding";
}

export interface EmbeddingCreateParams {
  input: string | string[] | number[] | number[][];
  model?: string | null;
  encoding_format?: "float" | "base64";
  dimensions?: number;
  user?: string;
}

export interface CreateEmbeddingResponse {
  data: Embedding[];
  model: string;
  object: "list";
  usage: { prompt_tokens: number; total_tokens: number; extra: { prefill_tokens_per_s: number } };
}
