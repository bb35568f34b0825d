/** OpenAI's chat completion shapes, with the extra timings that WebLLM reports in `usage.extra`. */

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

export interface ChatCompletionMessageParam {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly TextPart[];
  readonly name?: string | undefined;
}

interface ChatCompletionRequestBase {
  readonly messages: readonly ChatCompletionMessageParam[];
  /** Ignored but for type: one model is loaded at a time. */
  readonly model?: string | null | undefined;
  /** Tokens to generate at most; default: up to the end of the context window. */
  readonly max_tokens?: number | null | undefined;
  readonly max_completion_tokens?: number | null | undefined;
  /** 0 (always the likeliest token) to 2; default 1. */
  readonly temperature?: number | null | undefined;
  /** Above 0 to 1; default 1. */
  readonly top_p?: number | null | undefined;
  readonly seed?: number | null | undefined;
  /** At most 16 strings; the answer ends before the first that appears. */
  readonly stop?: string | readonly string[] | null | undefined;
  readonly n?: 1 | null | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
}

export interface ChatCompletionRequestNonStreaming extends ChatCompletionRequestBase {
  readonly stream?: false | null | undefined;
}

export interface ChatCompletionRequestStreaming extends ChatCompletionRequestBase {
  readonly stream: true;
}

export type ChatCompletionRequest = ChatCompletionRequestNonStreaming | ChatCompletionRequestStreaming;

/** `abort`: interruptGenerate() stopped it. */
export type ChatCompletionFinishReason = "stop" | "length" | "abort";

export interface CompletionUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  /** Prompt tokens that were still in the KV cache and not computed again. */
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly extra: {
    readonly e2e_latency_s: number;
    readonly prefill_tokens_per_s: number;
    readonly decode_tokens_per_s: number;
    readonly time_to_first_token_s: number;
    readonly time_per_output_token_s: number;
  };
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly message: { readonly role: "assistant"; readonly content: string };
    readonly finish_reason: ChatCompletionFinishReason;
    readonly logprobs: null;
  }[];
  readonly usage: CompletionUsage;
}

export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: { readonly role?: "assistant" | undefined; readonly content?: string | undefined };
    readonly finish_reason: ChatCompletionFinishReason | null;
    readonly logprobs: null;
  }[];
  /** Only on the last chunk, when stream_options.include_usage asked for it. */
  readonly usage?: CompletionUsage | undefined;
}

/** Second argument of `create`, as in the openai client. */
export interface RequestOptions {
  readonly signal?: AbortSignal | null | undefined;
}

/** A stream ends its generation when the consumer leaves the loop. */
export interface ChatCompletions {
  create(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterable<ChatCompletionChunk>>;
  create(request: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;
}
