import type { MLCEngineInterface } from "../types.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
  ChatCompletions, RequestOptions,
} from "./types.ts";

/** `engine.chat.completions`: OpenAI's spelling of `engine.chatCompletion`. */
export class Completions implements ChatCompletions {
  readonly #engine: Pick<MLCEngineInterface, "chatCompletion">;

  constructor(engine: Pick<MLCEngineInterface, "chatCompletion">) {
    this.#engine = engine;
  }

  create(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterable<ChatCompletionChunk>>;
  create(request: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;
  create(request: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>> {
    return this.#engine.chatCompletion(request, options);
  }
}
