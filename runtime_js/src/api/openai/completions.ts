import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
  ChatCompletions, Completion, CompletionRequest, CompletionRequestNonStreaming, CompletionRequestStreaming, Completions, RequestOptions,
} from "./types.ts";

/** Answers a request whole or as a stream, as its `stream` says. */
type Answer<R, W, P> = (request: R, options?: RequestOptions) => Promise<W | AsyncIterableIterator<P>>;

/** `engine.chat.completions`. */
export class ChatCompletionsOf implements ChatCompletions {
  readonly #answer: Answer<ChatCompletionRequest, ChatCompletion, ChatCompletionChunk>;

  constructor(answer: Answer<ChatCompletionRequest, ChatCompletion, ChatCompletionChunk>) {
    this.#answer = answer;
  }

  create(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  create(request: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>>;
  create(request: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>> {
    return this.#answer(request, options);
  }
}

/** `engine.completions`. */
export class CompletionsOf implements Completions {
  readonly #answer: Answer<CompletionRequest, Completion, Completion>;

  constructor(answer: Answer<CompletionRequest, Completion, Completion>) {
    this.#answer = answer;
  }

  create(request: CompletionRequestNonStreaming, options?: RequestOptions): Promise<Completion>;
  create(request: CompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<Completion>>;
  create(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<Completion>>;
  create(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<Completion>> {
    return this.#answer(request, options);
  }
}
