/** The classes behind `engine.chat`, `engine.completions` and `engine.embeddings`. */

import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequestBase, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming, Completion,
  CompletionCreateParamsBase, CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming, CreateEmbeddingResponse, EmbeddingCreateParams,
} from "./messages.ts";
import type { MLCEngineInterface } from "./types.ts";

class ChatCompletions {
  readonly #engine: MLCEngineInterface;

  constructor(engine: MLCEngineInterface) {
    this.#engine = engine;
  }

  create(request: ChatCompletionRequestNonStreaming): Promise<ChatCompletion>;
  create(request: ChatCompletionRequestStreaming): Promise<AsyncIterable<ChatCompletionChunk>>;
  create(request: ChatCompletionRequestBase): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
  create(request: ChatCompletionRequestBase): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion> {
    return this.#engine.chatCompletion(request);
  }
}

export class Chat {
  readonly completions: ChatCompletions;

  constructor(engine: MLCEngineInterface) {
    this.completions = new ChatCompletions(engine);
  }
}

export class Completions {
  readonly #engine: MLCEngineInterface;

  constructor(engine: MLCEngineInterface) {
    this.#engine = engine;
  }

  create(request: CompletionCreateParamsNonStreaming): Promise<Completion>;
  create(request: CompletionCreateParamsStreaming): Promise<AsyncIterable<Completion>>;
  create(request: CompletionCreateParamsBase): Promise<AsyncIterable<Completion> | Completion>;
  create(request: CompletionCreateParamsBase): Promise<AsyncIterable<Completion> | Completion> {
    return this.#engine.completion(request);
  }
}

export class Embeddings {
  readonly #engine: MLCEngineInterface;

  constructor(engine: MLCEngineInterface) {
    this.#engine = engine;
  }

  create(request: EmbeddingCreateParams): Promise<CreateEmbeddingResponse> {
    return this.#engine.embedding(request);
  }
}
