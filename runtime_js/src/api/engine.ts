/** The engine: one model, one request at a time, in this thread. The model's code is loaded when a model is. */

import { ConfiguredEngine } from "./configured.ts";
import type { ModelChoice } from "../engine/load.ts";
import { AbortError, InternalError, ModelNotLoadedError } from "../support/errors.ts";
import { requestAdapter } from "../executor/adapter.ts";
import { setLogLevel } from "../support/log.ts";
import { Completions } from "./openai/completions.ts";
import { parseChatCompletionRequest } from "./openai/request.ts";
import { ResponseShape, usage } from "./openai/response.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionFinishReason, ChatCompletionMessageParam, ChatCompletionRequest, 
  ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming, CompletionUsage, RequestOptions,
} from "./openai/types.ts";
import { RequestQueue } from "../engine/queue.ts";
import type { AnswerRequest, Session } from "../engine/session.ts";
import type { ChatOptions, LogLevel, MLCEngineConfig, MLCEngineInterface } from "./types.ts";

interface Outcome {
  readonly finishReason: ChatCompletionFinishReason;
  readonly usage: CompletionUsage;
}

function textOf(content: ChatCompletionMessageParam["content"]): string {
  return typeof content === "string" ? content : content.map((part) => part.text).join("");
}

/** What a valid request asks of the model, with OpenAI's defaults. */
function answerRequest(request: ChatCompletionRequest): AnswerRequest {
  const { stop } = request;
  return {
    messages: request.messages.map(({ role, content, name }) => ({ role, content: textOf(content), name })),
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? Infinity,
    sampling: { temperature: request.temperature ?? 1, topP: request.top_p ?? 1, seed: request.seed ?? undefined },
    stop: typeof stop === "string" ? [stop] : stop ?? [],
  };
}

export class MLCEngine extends ConfiguredEngine implements MLCEngineInterface {
  readonly chat = { completions: new Completions(this) };
  readonly #queue = new RequestQueue();
  #session: Session | null = null;
  /** Ends the load or the generation that is under way. */
  #running: AbortController | null = null;
  #lastMessage = "";
  #lastUsage: CompletionUsage | null = null;

  constructor(engineConfig: MLCEngineConfig = {}) {
    super(engineConfig);
    if (engineConfig.logLevel !== undefined) this.setLogLevel(engineConfig.logLevel);
  }

  async reload(modelId: string, chatOpts: ChatOptions = {}): Promise<void> {
    await this.load(this.choose(modelId, chatOpts));
  }

  /** Loads a model by its full description. `reload` is the ordinary way. */
  async load(choice: ModelChoice): Promise<void> {
    await this.unload();
    await this.#alone(async (signal) => {
      const { loadSession } = await import("../engine/load.ts");
      this.#session = await loadSession(choice, (progress) => this.report(progress), signal);
    });
  }

  async unload(): Promise<void> {
    this.#running?.abort();
    this.#queue.refuseWaiting(new AbortError("The model was unloaded before this request began."));
    await this.#alone(async () => {
      this.#session?.dispose();
      this.#session = null;
    });
  }

  chatCompletion(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterable<ChatCompletionChunk>>;
  chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;
  async chatCompletion(
    request: ChatCompletionRequest, options: RequestOptions = {},
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>> {
    const parsed = parseChatCompletionRequest(request);
    const answer = this.#answer(answerRequest(parsed), options.signal ?? undefined);
    if (parsed.stream) return this.#chunks(answer, parsed.stream_options?.include_usage === true);
    let content = "";
    for await (const piece of answer) {
      if (typeof piece !== "string") return this.#shape().completion(content, piece.finishReason, piece.usage);
      content += piece;
    }
    throw new InternalError("The answer has no end.");
  }

  async interruptGenerate(): Promise<void> {
    if (this.#session !== null) this.#running?.abort();
  }

  async resetChat(): Promise<void> {
    await this.#alone(async () => {
      this.#session?.forgetConversation();
      this.#lastMessage = "";
    });
  }

  async getMessage(): Promise<string> {
    return this.#lastMessage;
  }

  async runtimeStatsText(): Promise<string> {
    if (this.#lastUsage === null) return "No answer has been generated yet.";
    const { prefill_tokens_per_s: prefill, decode_tokens_per_s: decode } = this.#lastUsage.extra;
    return `prefill: ${prefill.toFixed(1)} tokens/s, decode: ${decode.toFixed(1)} tokens/s`;
  }

  async getMaxStorageBufferBindingSize(): Promise<number> {
    return (await requestAdapter()).limits.maxStorageBufferBindingSize;
  }

  async getGPUVendor(): Promise<string> {
    return (await requestAdapter()).info.vendor;
  }

  setLogLevel(level: LogLevel): void {
    setLogLevel(level);
  }

  /** For tests: token ids of a prompt and its answer, the end token included. */
  async debugTokenIds(request: ChatCompletionRequest): Promise<{ prompt: number[]; ids: number[] }> {
    const parsed = answerRequest(parseChatCompletionRequest(request));
    return this.#alone((signal) => this.#loaded().tokenIds(parsed, signal));
  }

  /** For tests: float32[vocab_size], the logits after the prompt, computed from an empty cache. */
  async debugLogits(request: ChatCompletionRequest): Promise<Float32Array> {
    const parsed = answerRequest(parseChatCompletionRequest(request));
    return this.#alone(() => this.#loaded().logits(parsed));
  }

  /** For measurements: -log p of tokens of a text, each given those before it in its window. */
  async debugSurprisals(text: string, window: number): Promise<number[]> {
    return this.#alone((signal) => this.#loaded().surprisals(text, window, signal));
  }

  /** For measurements: when each of `count` tokens behind `context` tokens was read, and before them the start, in milliseconds. */
  async debugDecodeTimes(context: number, count: number): Promise<number[]> {
    return this.#alone((signal) => this.#loaded().decodeTimes(context, count, signal));
  }

  #loaded(): Session {
    if (this.#session === null) throw new ModelNotLoadedError("No model is loaded. Call reload() with a model first.");
    return this.#session;
  }

  #shape(): ResponseShape {
    return new ResponseShape(this.#session?.modelId ?? "");
  }

  /** Runs `work` when its turn comes; unload and interruptGenerate abort its signal. */
  async #alone<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const leave = await this.#queue.enter();
    this.#running = new AbortController();
    try {
      return await work(this.#running.signal);
    } finally {
      this.#running = null;
      leave();
    }
  }

  /** Yields the answer's text when its turn has come, and at last its outcome. Raises AbortError for the caller's signal. */
  async *#answer(request: AnswerRequest, signal: AbortSignal | undefined): AsyncGenerator<string | Outcome, void, undefined> {
    const requested = performance.now();
    const leave = await this.#queue.enter(signal);
    const running = new AbortController();
    const abort = (): void => running.abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.#running = running;
    this.#lastMessage = "";
    try {
      for await (const piece of this.#loaded().answer(request, running.signal)) {
        if (signal?.aborted) throw new AbortError("The request was aborted by its signal.");
        if (typeof piece === "string") {
          this.#lastMessage += piece;
          yield piece;
        } else {
          this.#lastUsage = usage(piece.tokens, { requested, ...piece.times });
          yield { finishReason: piece.finishReason, usage: this.#lastUsage };
        }
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#running = null;
      leave();
    }
  }

  async *#chunks(answer: AsyncIterable<string | Outcome>, includeUsage: boolean): AsyncGenerator<ChatCompletionChunk, void, undefined> {
    const shape = this.#shape();
    yield shape.roleChunk();
    for await (const piece of answer) {
      if (typeof piece === "string") {
        yield shape.textChunk(piece);
      } else {
        yield shape.finishChunk(piece.finishReason);
        if (includeUsage) yield shape.usageChunk(piece.usage);
      }
    }
  }
}

/**
 * Makes an engine in this thread and loads a model into it.
 * @param modelId an id of `engineConfig.appConfig.model_list`, or the URL of a manifest
 */
export async function CreateMLCEngine(modelId: string, engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions): Promise<MLCEngine> {
  const engine = new MLCEngine(engineConfig);
  await engine.reload(modelId, chatOpts);
  return engine;
}
