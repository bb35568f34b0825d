/**
 * What an engine in this thread and a handle on one in a worker have in common: configuration, requests and answers in OpenAI's shapes.
 * They differ in where a model is loaded and an answer begins.
 */

import type { AnswerEvent, AnswerRequest } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import { askForPersistence } from "../storage/quota.ts";
import { abortError } from "../support/abort.ts";
import { InternalError, ModelNotFoundError, type MLCEngineError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import { PushStream } from "../support/stream.ts";
import { chooseModels, parseAppConfig, parseEngineConfig, parseRequestOptions, type EngineSettings } from "./config.ts";
import { ChatCompletionsOf, CompletionsOf } from "./openai/completions.ts";
import { parseChatRequest, parseTextRequest, type ParsedRequest } from "./openai/request.ts";
import { ChatShape, TextShape, usage, type ResponseShape } from "./openai/response.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming, Completion,
  CompletionRequest, CompletionUsage, Model, Models, RequestOptions,
} from "./openai/types.ts";
import type {
  AppConfig, ChatOptions, DeviceLostCallback, InitProgressCallback, InitProgressReport, LogLevel, MLCEngineConfig, MLCEngineInterface,
} from "./types.ts";

/** A request as it is sent to the model. */
export interface AnswerCall {
  readonly request: AnswerRequest;
  /** The model that the caller asks for; undefined takes any. */
  readonly model: string | undefined;
}

/** A model that is loaded. */
export interface LoadedModelInfo {
  readonly modelId: string;
  /** In milliseconds since 1970. */
  readonly loadedAt: number;
}

/** Models to load, one after the other. */
export interface LoadCall {
  readonly choices: readonly ModelChoice[];
  /** Leaves the models that are loaded as they are, but for those of the same ids. */
  readonly keepsOthers: boolean;
}

/** An answer that was accepted. Leaving its events ends it. */
export interface BegunAnswer {
  readonly modelId: string;
  readonly events: PushStream<AnswerEvent>;
}

type AnswerEnd = Extract<AnswerEvent, { type: "end" }>;

/** What a caller's function throws is no failure of a load or of the GPU. */
function tell<T>(callback: ((told: T) => void) | null | undefined, told: T): void {
  try {
    callback?.(told);
  } catch (error) {
    log.warn(`A callback of the engine failed: ${String(error)}`);
  }
}

/** What is remembered of a model's latest answer. */
interface LatestAnswer {
  readonly message: string;
  readonly usage: CompletionUsage | null;
}

function describe({ modelId, loadedAt }: LoadedModelInfo): Model {
  return { id: modelId, object: "model", created: Math.floor(loadedAt / 1000), owned_by: "local" };
}

export abstract class BaseEngine implements MLCEngineInterface {
  readonly chat = { completions: new ChatCompletionsOf((request, options) => this.#chatCompletion(request, options)) };
  readonly completions = new CompletionsOf((request, options) => this.#completion(request, options));
  readonly models: Models = {
    list: async () => ({ object: "list", data: (await this.loadedModels()).map(describe) }),
    retrieve: async (model) => {
      const found = (await this.loadedModels()).find(({ modelId }) => modelId === model);
      if (found === undefined) throw new ModelNotFoundError(`No model is loaded that is called "${model}".`, { modelId: model, param: "model" });
      return describe(found);
    },
  };
  readonly #config: EngineSettings;
  #appConfig: AppConfig | undefined;
  #onProgress: InitProgressCallback | undefined;
  #onDeviceLost: DeviceLostCallback | undefined;
  /** The latest answer of each model; what came last comes last. */
  readonly #latest = new Map<string, LatestAnswer>();

  constructor(engineConfig?: MLCEngineConfig | null) {
    this.#config = parseEngineConfig(engineConfig);
    this.#onProgress = engineConfig?.initProgressCallback ?? undefined;
    this.#onDeviceLost = engineConfig?.deviceLostCallback ?? undefined;
    this.#appConfig = this.#config.appConfig;
  }

  /** The level that the configuration asks for. */
  protected get logLevel(): LogLevel | undefined {
    return this.#config.logLevel;
  }

  async reload(
    modelId: string | readonly string[], chatOpts?: ChatOptions | readonly ChatOptions[] | null, options?: RequestOptions | null,
  ): Promise<void> {
    await this.#load(modelId, chatOpts, options, false);
  }

  async addModel(modelId: string, chatOpts?: ChatOptions | null, options?: RequestOptions | null): Promise<void> {
    await this.#load(modelId, chatOpts, options, true);
  }

  async #load(
    modelId: string | readonly string[], chatOpts: ChatOptions | readonly ChatOptions[] | null | undefined,
    options: RequestOptions | null | undefined, keepsOthers: boolean,
  ): Promise<void> {
    const { signal } = parseRequestOptions(options);
    await this.load({ choices: chooseModels(modelId, chatOpts, this.#appConfig, this.#config), keepsOthers }, signal ?? undefined);
    askForPersistence();
  }

  /** Loads models by their full descriptions. `reload` is the ordinary way. */
  abstract load(call: LoadCall, signal?: AbortSignal): Promise<void>;
  /** Sends a request to the model; rejects where it cannot be accepted, or as soon as the signal aborts. */
  abstract begin(call: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer>;
  abstract unload(modelId?: string): Promise<void>;
  abstract interruptGenerate(): Promise<void>;
  abstract getGPUVendor(): Promise<string>;
  abstract getMaxStorageBufferBindingSize(): Promise<number>;
  abstract setLogLevel(level: LogLevel): void;
  protected abstract loadedModels(): Promise<readonly LoadedModelInfo[]>;
  protected abstract forgetConversations(modelId: string | undefined): Promise<void>;

  setInitProgressCallback(callback: InitProgressCallback | undefined): void {
    this.#onProgress = callback;
  }

  getInitProgressCallback(): InitProgressCallback | undefined {
    return this.#onProgress;
  }

  setDeviceLostCallback(callback: DeviceLostCallback | undefined): void {
    this.#onDeviceLost = callback;
  }

  setAppConfig(appConfig: AppConfig): void {
    this.#appConfig = parseAppConfig(appConfig);
  }

  protected reportProgress(report: InitProgressReport): void {
    tell(this.#onProgress, report);
  }

  protected reportDeviceLost(error: MLCEngineError): void {
    tell(this.#onDeviceLost, error);
  }

  chatCompletion(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>>;
  chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>> {
    return this.chat.completions.create(request, options);
  }

  async resetChat(keepStats = false, modelId?: string): Promise<void> {
    for (const [id, { usage }] of this.#latest) {
      if (id === (modelId ?? id)) this.#latest.set(id, { message: "", usage: keepStats ? usage : null });
    }
    await this.forgetConversations(modelId);
  }

  #latestOf(modelId: string | undefined): LatestAnswer | undefined {
    return modelId === undefined ? [...this.#latest.values()].at(-1) : this.#latest.get(modelId);
  }

  #remember(modelId: string, message: string, used: CompletionUsage | null): void {
    this.#latest.delete(modelId);
    this.#latest.set(modelId, { message, usage: used });
  }

  async getMessage(modelId?: string): Promise<string> {
    return this.#latestOf(modelId)?.message ?? "";
  }

  async runtimeStatsText(modelId?: string): Promise<string> {
    const used = this.#latestOf(modelId)?.usage ?? null;
    if (used === null) return "No answer has been generated yet.";
    const { prefill_tokens_per_s: prefill, decode_tokens_per_s: decode } = used.extra;
    return `prefill: ${prefill.toFixed(1)} tokens/s, decode: ${decode.toFixed(1)} tokens/s`;
  }

  async #chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>> {
    return this.#answer(parseChatRequest(request), options, (model) => new ChatShape(model));
  }

  async #completion(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<Completion>> {
    return this.#answer(parseTextRequest(request), options, (model) => new TextShape(model));
  }

  async #answer<W, P>(
    { answer: request, model, stream, includeUsage }: ParsedRequest, options: RequestOptions | undefined,
    shapeFor: (model: string) => ResponseShape<W, P>,
  ): Promise<W | AsyncIterableIterator<P>> {
    const signal = parseRequestOptions(options).signal ?? undefined;
    if (signal?.aborted) throw abortError(signal, "The request was aborted before it began.");
    const begun = await this.begin({ request, model }, signal);
    const shape = shapeFor(begun.modelId);
    if (!stream) {
      let text = "";
      const { finishReason, tokens, times } = await this.#follow(begun, signal, (piece) => { text += piece; });
      return shape.whole(text, finishReason, usage(tokens, times));
    }
    const pieces = new PushStream<P>(() => void begun.events.return());
    for (const piece of shape.first()) pieces.push(piece);
    this.#follow(begun, signal, (piece) => pieces.push(shape.text(piece))).then(({ finishReason, tokens, times }) => {
      pieces.push(shape.finish(finishReason));
      if (includeUsage) pieces.push(shape.usage(usage(tokens, times)));
      pieces.end();
    }, (error: unknown) => pieces.fail(error));
    return pieces;
  }

  /** Takes an answer's events as they come, whoever reads what is made of them. Rejects at once when the signal aborts. */
  async #follow({ modelId, events }: BegunAnswer, signal: AbortSignal | undefined, onText: (text: string) => void): Promise<AnswerEnd> {
    const abort = (): void => { if (signal !== undefined) events.abort(abortError(signal, "The request was aborted by its signal.")); };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    let message = "";
    try {
      for await (const event of events) {
        if (event.type === "end") {
          this.#remember(modelId, message, usage(event.tokens, event.times));
          return event;
        }
        if (event.type !== "text") continue;
        this.#remember(modelId, message += event.text, this.#latest.get(modelId)?.usage ?? null);
        onText(event.text);
      }
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    throw new InternalError("The answer has no end.");
  }
}
