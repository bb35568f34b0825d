/**
 * OpenAI's shapes, with the extra timings that WebLLM reports in `usage.extra`. What a caller passes in is read-only here; answers are the
 * caller's own.
 */

import type { PictureInput } from "../../media/source.ts";

/** A part of a message. Texts, pictures (`image_url`) and sounds (`input_audio`) are read; parts of other types (files) are refused by name. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string | undefined;
  readonly image_url?: {
    /**
     * The picture's address (`data:`, `blob:`, of the same origin, or of a server that gives it to others by CORS), or the picture itself: a
     * File or another Blob, an ImageBitmap, a VideoFrame, what a page shows (a canvas, a picture, a video) as it is when the request is made, or
     * pixels: an ImageData, or `{ data, width, height }` with three or four bytes for each, as decoders outside of browsers give them.
     */
    readonly url: string | PictureInput;
    /** How much of it the model is to see, where it has a choice: "low", "high" or "auto", the default. */
    readonly detail?: string | null | undefined;
  } | undefined;
  readonly input_audio?: {
    /**
     * The sound: base64 of a file or a data URL of one, a File or another Blob, its bytes, an AudioBuffer, or a Float32Array of one channel beside
     * its `sample_rate`. WAV is read anywhere; what else a browser decodes (MP3, AAC, Ogg, FLAC, WebM), where the request is made in a page.
     */
    readonly data: string | Blob | ArrayBuffer | Uint8Array | AudioBuffer | Float32Array;
    /** Of base64. Default: what the file says. */
    readonly format?: "wav" | "mp3" | "pcm_f32" | undefined;
    /** Of a Float32Array, samples a second. */
    readonly sample_rate?: number | undefined;
  } | undefined;
}

/**
 * A message as it is sent, and also as an answer of the `openai` client holds it: what is null or empty there is absent here. These types
 * take what the client's own types take; what cannot be done is refused by name when the request is read.
 */
export interface ChatCompletionMessageParam {
  /** `developer` is what newer models call `system`. Functions, which tools replaced, are not supported. */
  readonly role: "system" | "developer" | "user" | "assistant" | "tool" | "function";
  readonly content?: string | readonly ContentPart[] | null | undefined;
  readonly name?: string | null | undefined;
  /** Empty or absent. */
  readonly refusal?: string | null | undefined;
  /** The calls that an assistant's message made. */
  readonly tool_calls?: readonly (ChatCompletionMessageToolCall | { readonly type: "custom" })[] | null | undefined;
  /** The call that a tool's message answers. */
  readonly tool_call_id?: string | null | undefined;
  /** What an assistant's message thought. The model's template says whether the model sees it again. */
  readonly reasoning_content?: string | null | undefined;
}

/** A call of a tool. `arguments` is JSON as the model wrote it: cut where the answer is, and not always what the tool's schema says. */
export interface ChatCompletionMessageToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A tool that the model may call. Only functions can be. */
export interface ChatCompletionTool {
  readonly type: string;
  readonly function?: {
    /** 1 to 64 letters, digits, _ or -. */
    readonly name: string;
    readonly description?: string | undefined;
    /** A JSON Schema of an object; default: no parameters. */
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
    /** Calls are as the schema says. Refused for models that write arguments neither as JSON nor in tags. */
    readonly strict?: boolean | null | undefined;
  } | undefined;
}

/** A schema, and how exactly it is meant. */
export interface ResponseFormatSchema {
  /** Letters, digits, _ and -. */
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema, draft 2020-12; without one, objects of all kinds. */
  readonly schema?: object | undefined;
  /** Whether what a grammar cannot hold is refused; else it is left to the model. */
  readonly strict?: boolean | null | undefined;
}

/** OpenAI's formats; WebLLM's `schema` (a JSON Schema as JSON text), grammars in EBNF and structural tags; and regular expressions. */
export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object"; readonly schema?: string | object | undefined }
  | { readonly type: "json_schema"; readonly json_schema: ResponseFormatSchema }
  | { readonly type: "grammar"; readonly grammar: string }
  | { readonly type: "regex"; readonly regex: string }
  | { readonly type: "structural_tag"; readonly structural_tag: string | object };

interface SamplingParams {
  /** The id of the loaded model, or absent. */
  readonly model?: string | null | undefined;
  /** Tokens to generate at most; default, and -1: up to the end of the context window. */
  readonly max_tokens?: number | null | undefined;
  /** 0 (always the likeliest token) to 2. Default, also of the next five: what the model's makers recommend, else 1. */
  readonly temperature?: number | null | undefined;
  /** 0 (always the likeliest token) to 1 (all): draws from the likeliest tokens whose probabilities, before the temperature, reach this sum. */
  readonly top_p?: number | null | undefined;
  /** Draws from so many likeliest tokens; 0 and -1: from all. */
  readonly top_k?: number | null | undefined;
  /** 0 to 1: draws from tokens at least so probable, in proportion to the likeliest. */
  readonly min_p?: number | null | undefined;
  /** 0.01 to 100: divides positive logits, and multiplies others, of tokens that are in the prompt or the answer; 1 is off. */
  readonly repetition_penalty?: number | null | undefined;
  /** -2 to 2, default 0: is taken from a token's logit for each time that it is in the answer. */
  readonly frequency_penalty?: number | null | undefined;
  /** -2 to 2, default 0: is taken from a token's logit where it is in the answer. */
  readonly presence_penalty?: number | null | undefined;
  /** By token id: -100 to 100, added to its logit. At most 1024 of them. */
  readonly logit_bias?: Readonly<Record<string, number>> | null | undefined;
  /** The same seed, request and model give the same answer. Of several answers the first draws with the seed itself, others with a hash. */
  readonly seed?: number | null | undefined;
  /** At most 16 strings; the answer ends before the first that appears. Empty ones ask for nothing. */
  readonly stop?: string | readonly string[] | null | undefined;
  /** Token ids that end the answer too, and are not in its text; at most 256. */
  readonly stop_token_ids?: readonly number[] | null | undefined;
  /** The model's own end tokens do not end the answer. */
  readonly ignore_eos?: boolean | null | undefined;
  /** Answers to the prompt, 1 to 128: they share its cache, and each draws its own. Default 1. */
  readonly n?: number | null | undefined;
  /**
   * Where the context is too short: "drop_oldest" leaves out the oldest turns (of a text its oldest part), and lets the answer go on beyond the
   * context; "truncate_middle" also keeps the first turn (of a text its beginning), and cuts the longest messages' middles out where turns are not
   * enough. Default: "error", which names both lengths.
   */
  readonly context_overflow?: "error" | "drop_oldest" | "truncate_middle" | null | undefined;
  /** What the answer must look like; text as the model likes it where this is absent. */
  readonly response_format?: ResponseFormat | null | undefined;
  /** "off": nothing of the answer is guessed. Default: "auto", where that is faster; the answer is the same. */
  readonly speculation?: "auto" | "off" | null | undefined;
  /** The id of another loaded model, of the same vocabulary, that guesses what may come. */
  readonly draft?: string | null | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
}

interface Streaming {
  readonly stream: true;
}

interface NonStreaming {
  readonly stream?: false | null | undefined;
}

interface ChatCompletionRequestBase extends SamplingParams {
  /** The model answers the last, or goes on with it where it is the assistant's. The model's template says which order it takes. */
  readonly messages: readonly ChatCompletionMessageParam[];
  /** What the answer will be, mostly, as where a text is given to be edited: what is right of it comes faster. */
  readonly prediction?: { readonly type: "content"; readonly content: string | readonly { readonly type: "text"; readonly text: string }[] } | null | undefined;
  readonly max_completion_tokens?: number | null | undefined;
  /** Tells `logprobs` of the answer's tokens, and of as many likeliest ones in the place of each: 0 to 20. */
  readonly logprobs?: boolean | null | undefined;
  readonly top_logprobs?: number | null | undefined;
  readonly tools?: readonly ChatCompletionTool[] | null | undefined;
  /**
   * `auto`, the default: the model may call tools; beside a `response_format` it calls one, or answers in that form. `none`: it is told of none.
   * `required`, or one by name: it calls, and arguments are as the tool's schema says where the model writes them as JSON, or in tags. Where it
   * allows some of the tools, the model is told of these.
   */
  readonly tool_choice?: string | object | null | undefined;
  /** Whether one answer may call several tools; default true. */
  readonly parallel_tool_calls?: boolean | null | undefined;
  /** What the model's chat template is told beside messages and tools. */
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null | undefined;
  /** Whether a control token that stands in a user's or a tool's message is one ("parse") or stays text ("escape", the default). */
  readonly special_tokens?: "escape" | "parse" | null | undefined;
  /**
   * Whether what this engine has answered stays the tokens that it was made of where a conversation goes on behind it: nothing of it is computed
   * again, however it was written. An engine that has not answered it takes the tokens of its text, which may be others. Default false.
   */
  readonly keep_tokens?: boolean | null | undefined;
  /** Told to the template; `none` asks it for no thoughts. */
  readonly reasoning_effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null | undefined;
  /** Whether the model thinks before it answers, where its template knows such a switch. Also in `extra_body`, as WebLLM has it. */
  readonly enable_thinking?: boolean | null | undefined;
  /** The same, as others' servers have it. */
  readonly thinking?: { readonly type: "enabled" | "disabled" } | null | undefined;
  /** Tokens that a thought may have, at most; then it is closed. Default: no limit. */
  readonly thinking_budget?: number | null | undefined;
  readonly extra_body?: {
    /** Whether the model thinks before it answers, where its template knows such a switch. */
    readonly enable_thinking?: boolean | null | undefined;
    /** Keeps the answer in the browser's storage while it comes, so that `resumeChatCompletion` can go on when its tab is killed. */
    readonly resumable?: { readonly enabled: boolean; readonly sessionId?: string | null | undefined } | null | undefined;
  } | null | undefined;
}

export interface ChatCompletionRequestNonStreaming extends ChatCompletionRequestBase, NonStreaming {}
export interface ChatCompletionRequestStreaming extends ChatCompletionRequestBase, Streaming {}
export type ChatCompletionRequest = ChatCompletionRequestNonStreaming | ChatCompletionRequestStreaming;

interface CompletionRequestBase extends SamplingParams {
  /** What to continue: a text or token ids, or a list of either, of which each gives a choice. */
  readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[] | null;
  /** Whether the text of a choice begins with its prompt's. */
  readonly echo?: boolean | null | undefined;
  /** What comes behind the text that is asked for, of models that were trained to fill in. */
  readonly suffix?: string | null | undefined;
  /**
   * Tells `logprobs` of the answer's tokens, and of so many likeliest ones in the place of each: 0 to 20. With `echo` also of the
   * prompt's, which then come one by one; `max_tokens` may be 0, and penalties are refused.
   */
  readonly logprobs?: number | null | undefined;
}

export interface CompletionRequestNonStreaming extends CompletionRequestBase, NonStreaming {}
export interface CompletionRequestStreaming extends CompletionRequestBase, Streaming {}
export type CompletionRequest = CompletionRequestNonStreaming | CompletionRequestStreaming;

export type CompletionFinishReason = "stop" | "length";
export type ChatCompletionFinishReason = CompletionFinishReason | "tool_calls";

/** Why an answer ended. OpenAI has no word for one that interruptGenerate(), reload() or unload() has ended: it stopped, and was interrupted. */
export interface Ending<Reason> {
  finish_reason: Reason;
  interrupted?: true;
}

export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Prompt tokens that were still in the KV cache and not computed again. */
  prompt_tokens_details: { cached_tokens: number };
  /** Of guesses at the answer, from whatever source: tokens that came, and others that were computed for nothing. */
  completion_tokens_details: { reasoning_tokens: number; accepted_prediction_tokens: number; rejected_prediction_tokens: number };
  extra: {
    e2e_latency_s: number;
    prefill_tokens_per_s: number;
    decode_tokens_per_s: number;
    time_to_first_token_s: number;
    time_per_output_token_s: number;
    /** Of an answer of a form: until its grammar was compiled, and for each token's mask. */
    grammar_init_s?: number;
    grammar_per_token_s?: number;
  };
}

export interface ChatCompletionMessage {
  role: "assistant";
  /** Null where the message is calls of tools alone. */
  content: string | null;
  refusal: null;
  tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
  /** What the model thought before it answered. */
  reasoning_content?: string;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: (Ending<ChatCompletionFinishReason> & { index: number; message: ChatCompletionMessage; logprobs: ChatLogprobs | null })[];
  usage: CompletionUsage;
}

/** A piece of a message. A call begins with its id and name; its arguments follow in pieces. */
export interface ChatCompletionDelta {
  role?: "assistant";
  content?: string;
  reasoning_content?: string;
  tool_calls?: { index: number; id?: string; type?: "function"; function: { name?: string; arguments: string } }[];
}

export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: (Ending<ChatCompletionFinishReason | null> & { index: number; delta: ChatCompletionDelta; logprobs: ChatLogprobs | null })[];
  /** Only on the last chunk, when stream_options.include_usage asked for it. */
  usage?: CompletionUsage;
}

/** A token, its bytes in the text (null: it is not in the text), and the natural logarithm of its probability, at least -9999. */
export interface TopLogprob {
  token: string;
  bytes: number[] | null;
  logprob: number;
}

export interface ChatCompletionTokenLogprob extends TopLogprob {
  top_logprobs: TopLogprob[];
}

/** Of the tokens that the message, or this piece, is made of, by the model's own logits: before biases, penalties and temperature. */
export interface ChatLogprobs {
  content: ChatCompletionTokenLogprob[];
  refusal: null;
}

/**
 * The same in the shape of completions. `text_offset`: where each token begins in the text. Of an echoed prompt's first token the logprob is NaN,
 * in JSON null: nothing comes before it.
 */
export interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: Record<string, number>[];
  text_offset: number[];
}

/** A continued text. */
export interface Completion {
  id: string;
  object: "text_completion";
  created: number;
  model: string;
  choices: (Ending<CompletionFinishReason> & { index: number; text: string; logprobs: CompletionLogprobs | null })[];
  usage: CompletionUsage;
}

/** A piece of one; `finish_reason` is null until the last. */
export interface CompletionChunk {
  id: string;
  object: "text_completion";
  created: number;
  model: string;
  choices: (Ending<CompletionFinishReason | null> & { index: number; text: string; logprobs: CompletionLogprobs | null })[];
  /** Only on the last chunk, when stream_options.include_usage asked for it. */
  usage?: CompletionUsage;
}

/** Second argument of `create`, as in the openai client. */
export interface RequestOptions {
  readonly signal?: AbortSignal | null | undefined;
  /** 0 to 9, default 0: of the requests that wait, a higher one goes first. */
  readonly priority?: number | null | undefined;
}

/** A stream ends its generation when the consumer leaves the loop. */
export interface ChatCompletions {
  create(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  create(request: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>>;
}

/** Continues a text, which a model without chat template does too. */
export interface Completions {
  create(request: CompletionRequestNonStreaming, options?: RequestOptions): Promise<Completion>;
  create(request: CompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<CompletionChunk>>;
  create(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<CompletionChunk>>;
}

/** A loaded model. */
export interface Model {
  id: string;
  object: "model";
  /** When it was loaded, in seconds since 1970. */
  created: number;
  owned_by: string;
}

export interface ModelList {
  object: "list";
  data: Model[];
}

/** The models that are loaded. */
export interface Models {
  list(): Promise<ModelList>;
  /** Rejects with ModelNotFoundError where no such model is loaded. */
  retrieve(model: string): Promise<Model>;
}

export interface EmbeddingRequest {
  /** A text or token ids, or a list of either, of which each gives a vector. */
  readonly input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  readonly model?: string | null | undefined;
  /** `base64`: of float32 values, the least significant byte first. Default: float. */
  readonly encoding_format?: "float" | "base64" | null | undefined;
  /** Values that are kept of each vector, the first ones; it has length 1 after that. Default: all. */
  readonly dimensions?: number | null | undefined;
  /** Which states of a text its vector is made of. Default: those that an embedding model was made for, and a language model's last token. */
  readonly pooling?: "last" | "mean" | "cls" | null | undefined;
  /** Which of the model's prompts comes before each text, as "query". Default: none, unless the model's makers say one. */
  readonly prompt_name?: string | null | undefined;
  /** A text with more tokens than the model takes loses its end. Default: false, it is an error. */
  readonly truncate?: boolean | null | undefined;
  readonly user?: string | null | undefined;
}

/** A vector of length 1: numbers, or base64. */
export interface Embedding<V = number[]> {
  object: "embedding";
  index: number;
  embedding: V;
}

export interface CreateEmbeddingResponse<V = number[]> {
  object: "list";
  data: Embedding<V>[];
  model: string;
  usage: { prompt_tokens: number; total_tokens: number };
}

export interface EmbeddingRequestFloat extends EmbeddingRequest {
  readonly encoding_format?: "float" | null | undefined;
}

export interface EmbeddingRequestBase64 extends EmbeddingRequest {
  readonly encoding_format: "base64";
}

export interface Embeddings {
  create(request: EmbeddingRequestFloat, options?: RequestOptions): Promise<CreateEmbeddingResponse>;
  create(request: EmbeddingRequestBase64, options?: RequestOptions): Promise<CreateEmbeddingResponse<string>>;
  create(request: EmbeddingRequest, options?: RequestOptions): Promise<CreateEmbeddingResponse<number[] | string>>;
}
