import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
  ChatCompletions, Completion, CompletionChunk, CompletionRequest, CompletionRequestNonStreaming, CompletionRequestStreaming, Completions,
  CreateEmbeddingResponse, EmbeddingRequest, EmbeddingRequestBase64, EmbeddingRequestFloat, Embeddings, RequestOptions,
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
  readonly #answer: Answer<CompletionRequest, Completion, CompletionChunk>;

  constructor(answer: Answer<CompletionRequest, Completion, CompletionChunk>) {
    this.#answer = answer;
  }

  create(request: CompletionRequestNonStreaming, options?: RequestOptions): Promise<Completion>;
  create(request: CompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<CompletionChunk>>;
  create(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<CompletionChunk>>;
  create(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<CompletionChunk>> {
    return this.#answer(request, options);
  }
}

type Embed = (request: EmbeddingRequest, options?: RequestOptions) => Promise<CreateEmbeddingResponse<number[] | string>>;

/** `engine.embeddings`. */
export class EmbeddingsOf implements Embeddings {
  readonly #embed: Embed;

  constructor(embed: Embed) {
    this.#embed = embed;
  }

  create(request: EmbeddingRequestFloat, options?: RequestOptions): Promise<CreateEmbeddingResponse>;
  create(request: EmbeddingRequestBase64, options?: RequestOptions): Promise<CreateEmbeddingResponse<string>>;
  create(request: EmbeddingRequest, options?: RequestOptions): Promise<CreateEmbeddingResponse<number[] | string>>;
  create(request: EmbeddingRequest, options?: RequestOptions): Promise<CreateEmbeddingResponse<number[] | string>> {
    return this.#embed(request, options);
  }
}
