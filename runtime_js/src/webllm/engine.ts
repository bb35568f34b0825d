/** WebLLM's engine: its names, forms and order of checks, on this engine. */

import type { BaseEngine } from "../api/base_engine.ts";
import { listOf } from "../api/config.ts";
import { MLCEngine as OwnEngine } from "../api/engine.ts";
import type { MLCEngineConfig as OwnConfig, ModelRecord as OwnRecord } from "../api/types.ts";
import type { LogitProcessor } from "../engine/logit_processor.ts";
import { AbortError, WebGPUNotAvailableError } from "../support/errors.ts";
import { log, type LogLevel } from "../support/log.ts";
import { ChatChunks, TextChunks, chatCompletion, completion } from "./answers.ts";
import { findRecord, locateToLoad, longestOf, prebuiltAppConfig } from "./app_config.ts";
import { ignoringStrangers } from "./biases.ts";
import { checkChatRequest, checkGenerationConfig, postInitAndCheckFieldsCompletion, postInitAndCheckFieldsEmbedding } from "./checks.ts";
import { ModelType } from "./constants.ts";
import { NamedError, named, naming } from "./errors.ts";
import { Latest, LatestOfModels } from "./latest.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionRequest, ChatCompletionRequestBase,
  ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming, Completion, CompletionCreateParams, CompletionCreateParamsBase, CompletionCreateParamsNonStreaming,
  CompletionCreateParamsStreaming, CompletionUsage, CreateEmbeddingResponse, EmbeddingCreateParams,
} from "./messages.ts";
import { Chat, Completions, Embeddings } from "./namespaces.ts";
import { reportOf } from "./progress.ts";
import { ownChatRequest, ownInput, ownTextRequest } from "./requests.ts";
import { readSettings, within, type Settings } from "./settings.ts";
import { Steps } from "./steps.ts";
import type {
  AppConfig, ChatOptions, InitProgressCallback, MLCEngineConfig, MLCEngineInterface, ResumeChatCompletionOptions, ResumeProbeResult, ResumeResult,
} from "./types.ts";

/** A model as `reload` found it. */
interface Chosen {
  readonly id: string;
  readonly type: ModelType;
  readonly settings: Settings;
  readonly record: OwnRecord;
}

/** Of WebLLM's configuration, what this engine has too. */
export function ownConfig({ logLevel, device, variant, calibrate }: MLCEngineConfig): OwnConfig {
  return { logLevel, device, variant, calibrate };
}

/** 1 GiB. */
const ENOUGH = 2 ** 30;
const STREAM = { stream: true, stream_options: { include_usage: true } } as const;

function remembered<T extends { usage?: CompletionUsage }>(told: T, latest: Latest, text: string | null | undefined): T {
  latest.message = text ?? "";
  if (told.usage !== undefined) latest.noteUsage(told.usage);
  return told;
}

export abstract class EngineBase<E extends BaseEngine = BaseEngine> implements MLCEngineInterface {
  chat: Chat = new Chat(this);
  completions: Completions = new Completions(this);
  embeddings: Embeddings = new Embeddings(this);
  /** @internal */
  readonly inner: E;
  /** @internal */
  readonly #steps: Steps;
  readonly #latest = new LatestOfModels();
  #appConfig: AppConfig;
  readonly #needsGPU: boolean;
  #onProgress: InitProgressCallback | undefined;
  #models: readonly Chosen[] = [];
  /** Counts loads and unloads: each ends the load before it. */
  #turn = 0;

  protected constructor(inner: E, { appConfig = prebuiltAppConfig, initProgressCallback, device }: MLCEngineConfig) {
    this.inner = inner;
    this.#needsGPU = device === "gpu";
    this.#steps = new Steps(inner.host);
    this.#appConfig = appConfig;
    this.#onProgress = initProgressCallback;
    inner.setInitProgressCallback((report) => this.#onProgress?.(reportOf(report)));
  }

  setAppConfig(appConfig: AppConfig): void {
    this.#appConfig = appConfig;
  }

  setInitProgressCallback(initProgressCallback?: InitProgressCallback): void {
    this.#onProgress = initProgressCallback;
  }

  getInitProgressCallback(): InitProgressCallback | undefined {
    return this.#onProgress;
  }

  setLogLevel(logLevel: LogLevel): void {
    this.inner.setLogLevel(logLevel);
  }

  async reload(modelId: string | string[], chatOpts?: ChatOptions | ChatOptions[]): Promise<void> {
    const turn = ++this.#turn;
    await this.makeRoom();
    const chosen = this.#choose(listOf(modelId), chatOpts === undefined ? undefined : listOf(chatOpts));
    if (chosen.length === 0) return;
    this.inner.setAppConfig({ model_list: chosen.map(({ record }) => record) });
    try {
      if (this.#turn !== turn) throw new AbortError("Another call came meanwhile.");
      await naming(() => this.inner.reload(chosen.map(({ id }) => id), chosen.map(({ settings }) => settings.options)));
    } catch (error) {
      if (!(error instanceof AbortError)) throw error;
      log.warn("The load was ended before its models were there.");
      return;
    }
    this.#models = chosen;
  }

  #choose(ids: readonly string[], options: readonly ChatOptions[] | undefined): Chosen[] {
    if (options !== undefined && options.length !== ids.length) {
      throw new NamedError("ReloadArgumentSizeUnmatchedError", "Expect chatOpts, if specified, to match the size of modelId. "
        + `However, got ${ids.length} modelId, but ${options.length} chatOpts.`);
    }
    if (new Set(ids).size < ids.length) {
      throw new NamedError("ReloadModelIdNotUniqueError", "Need to make models in modelId passed to reload() need to be unique. If you want to, "
        + `load copies of the same model, consider making copies of the ModelRecord with different model_id. Received modelId: ${ids.join(",")}`);
    }
    return ids.map((id, i) => {
      const found = findRecord(id, this.#appConfig);
      const settings = readSettings(found.overrides, options?.[i]);
      const record = locateToLoad(found);
      return { id, type: found.model_type ?? ModelType.LLM, settings: within(longestOf(record), settings), record };
    });
  }

  async unload(): Promise<void> {
    this.#turn++;
    this.forgetModels();
    await this.inner.unload();
  }

  /** What a reload does first. */
  protected async makeRoom(): Promise<void> {
    this.forgetModels();
    await this.inner.unload();
  }

  protected forgetModels(): void {
    this.#models = [];
    this.#steps.forget();
    this.#latest.forget();
  }

  /** The model that a request is for. */
  #modelFor(asked: string | null | undefined, what: string, isEmbedding: boolean): Chosen {
    const [first, ...others] = this.#models;
    if (first === undefined) throw this.notLoaded(what);
    const loadedModels = `Currently loaded models are:\n${this.#models.map(({ id }) => id).join(",")}`;
    const model = asked === undefined || asked === null || asked === "" ? first : this.#models.find(({ id }) => id === asked);
    if (model === undefined) {
      throw new NamedError("SpecifiedModelNotFoundError", `Specified model ${asked} for ${what} is not found in loaded models. `
        + `Please check if the correct model is loaded/specified. ${loadedModels}`, "ModelNotFound");
    }
    if (model === first && !asked && others.length > 0) {
      throw new NamedError("UnclearModelToUseError", `Multiple models are loaded in engine. Please specify the model in ${what}.\n${loadedModels}`);
    }
    if ((model.type === ModelType.embedding) !== isEmbedding) {
      throw new NamedError("IncorrectPipelineLoadedError", `${what} expects model to be loaded with ${isEmbedding ? "EmbeddingPipeline" : "LLMChatPipeline"}. `
        + `However, ${model.id} is not loaded with this pipeline.`);
    }
    return model;
  }

  protected notLoaded(what: string): NamedError {
    return new NamedError("ModelNotLoadedError",
      `Model not loaded before trying to complete ${what}. Please ensure you have called MLCEngine.reload(model) to load the model before initiating APIs, `
      + "or initialize your engine using CreateMLCEngine() with a valid model configuration.", "ModelNotLoaded");
  }

  chatCompletion(request: ChatCompletionRequestNonStreaming): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming): Promise<AsyncIterable<ChatCompletionChunk>>;
  chatCompletion(request: ChatCompletionRequestBase): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
  chatCompletion(request: ChatCompletionRequest): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
  async chatCompletion(request: ChatCompletionRequestBase): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion> {
    const model = this.#modelFor(request.model, "ChatCompletionRequest", false);
    checkChatRequest(request, model.id, model.type);
    const own = ownChatRequest(request, model.id, model.settings.defaults);
    const latest = this.#latest.of(model.id);
    const wantsBreakdown = request.extra_body?.enable_latency_breakdown === true;
    const { completions } = this.inner.chat;
    if (request.stream === true) {
      return this.#pieces(request, latest, new ChatChunks(wantsBreakdown), async () => {
        await this.#checkUnkept(request);
        return ignoringStrangers(own, model.id, this.inner.host, (asked) => completions.create({ ...asked, ...STREAM }));
      });
    }
    checkGenerationConfig(request);
    await this.#checkUnkept(request);
    const whole = await naming(() => ignoringStrangers(own, model.id, this.inner.host, (asked) => completions.create({ ...asked, stream: false })));
    const told = chatCompletion(whole, wantsBreakdown);
    return remembered(told, latest, told.choices.at(-1)?.message.content);
  }

  /** What is kept of an answer that was cut off is not written over. */
  async #checkUnkept({ extra_body }: ChatCompletionRequestBase): Promise<void> {
    const { enabled, sessionId } = extra_body?.resumable ?? {};
    if (enabled !== true || !sessionId || (await this.inner.listResumableSessions()).every((kept) => kept.sessionId !== sessionId)) return;
    throw new NamedError("ResumableSessionExistsError", `Resumable session already exists: ${sessionId}`);
  }

  /** As in WebLLM, an answer begins when it is first read, and values are looked at then. */
  async *#pieces<O, P extends { usage?: CompletionUsage }>(
    request: ChatCompletionRequestBase | CompletionCreateParamsBase, latest: Latest,
    shape: { readonly text: string; take(piece: O): P | undefined }, begin: () => Promise<AsyncIterable<O>>,
  ): AsyncGenerator<P, void, void> {
    checkGenerationConfig(request);
    latest.message = "";
    try {
      for await (const piece of await begin()) {
        const told = shape.take(piece);
        latest.message = shape.text;
        if (told?.usage !== undefined) latest.noteUsage(told.usage);
        if (told !== undefined && (told.usage === undefined || request.stream_options?.include_usage === true)) yield told;
      }
    } catch (error) {
      throw named(error);
    }
  }

  completion(request: CompletionCreateParamsNonStreaming): Promise<Completion>;
  completion(request: CompletionCreateParamsStreaming): Promise<AsyncIterable<Completion>>;
  completion(request: CompletionCreateParamsBase): Promise<AsyncIterable<Completion> | Completion>;
  completion(request: CompletionCreateParams): Promise<AsyncIterable<Completion> | Completion>;
  async completion(request: CompletionCreateParamsBase): Promise<AsyncIterable<Completion> | Completion> {
    const { id, settings } = this.#modelFor(request.model, "CompletionCreateParams", false);
    postInitAndCheckFieldsCompletion(request, id);
    const own = ownTextRequest(request, id, settings.defaults);
    const wantsBreakdown = request.extra_body?.enable_latency_breakdown === true;
    const latest = this.#latest.of(id);
    const { completions, host } = this.inner;
    if (request.stream === true) {
      return this.#pieces(request, latest, new TextChunks(wantsBreakdown), () => ignoringStrangers(own, id, host, (asked) => completions.create({ ...asked, ...STREAM })));
    }
    checkGenerationConfig(request);
    const told = completion(await naming(() => ignoringStrangers(own, id, host, (asked) => completions.create({ ...asked, stream: false }))), wantsBreakdown);
    return remembered(told, latest, told.choices.at(-1)?.text);
  }

  async embedding(request: EmbeddingCreateParams): Promise<CreateEmbeddingResponse> {
    const { id } = this.#modelFor(request.model, "EmbeddingCreateParams", true);
    postInitAndCheckFieldsEmbedding(request, id);
    const begun = performance.now();
    const { usage, ...response } = await naming(() => this.inner.embeddings.create({ input: ownInput(request.input), model: id }));
    return { ...response, usage: { ...usage, extra: { prefill_tokens_per_s: (usage.prompt_tokens * 1000) / (performance.now() - begun) } } };
  }

  async listResumableSessions(): Promise<ResumeProbeResult[]> {
    return (await naming(() => this.inner.listResumableSessions())).map(({ reason, ...session }) => ({ ...session, ...(reason !== undefined && { reason }) }));
  }

  async resumeChatCompletion(sessionId: string, options: ResumeChatCompletionOptions = {}): Promise<ResumeResult | AsyncIterable<ChatCompletionChunk>> {
    const { continueGeneration, stream } = options;
    if (continueGeneration !== true || stream !== true) return naming(() => this.inner.resumeChatCompletion(sessionId, { continueGeneration, stream: false }));
    return this.#pieces({ messages: [] }, new Latest(), new ChatChunks(false), () => this.inner.resumeChatCompletion(sessionId, { continueGeneration, stream }));
  }

  deleteResumableSession(sessionId: string): Promise<void> {
    return naming(() => this.inner.deleteResumableSession(sessionId));
  }

  async interruptGenerate(): Promise<void> {
    await this.inner.interruptGenerate();
  }

  /** Of a model that is not loaded it does nothing. */
  async resetChat(keepStats = false, modelId?: string): Promise<void> {
    if (this.#models.length === 0 || (modelId !== undefined && this.#models.every(({ id }) => id !== modelId))) return;
    const { id } = this.#modelFor(modelId, "resetChat", false);
    this.#steps.forget(id);
    this.#latest.of(id).reset(keepStats);
    await naming(() => this.inner.resetChat(keepStats, id));
  }

  async getMessage(modelId?: string): Promise<string> {
    return this.#latest.of(this.#modelFor(modelId, "getMessage", false).id).message;
  }

  async runtimeStatsText(modelId?: string): Promise<string> {
    return this.#latest.of(this.#modelFor(modelId, "runtimeStatsText", false).id).statsText;
  }

  /** Without a GPU nothing but memory bounds a model, which runs on the CPU then: what WebLLM asks of a GPU at most. */
  getMaxStorageBufferBindingSize(): Promise<number> {
    return this.#ofGPU((inner) => inner.getMaxStorageBufferBindingSize(), ENOUGH);
  }

  getGPUVendor(): Promise<string> {
    return this.#ofGPU((inner) => inner.getGPUVendor(), "");
  }

  async #ofGPU<T>(ask: (inner: E) => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await ask(this.inner);
    } catch (error) {
      if (this.#needsGPU || !(error instanceof WebGPUNotAvailableError)) throw named(error);
      return otherwise;
    }
  }

  /** The tokens of a text, or of the prompt that a chat comes to. Not of WebLLM, as the next two. */
  tokenize(input: string | readonly ChatCompletionMessageParam[], modelId?: string): Promise<number[]> {
    return naming(() => this.inner.tokenize(input, modelId));
  }

  countTokens(input: string | readonly ChatCompletionMessageParam[], modelId?: string): Promise<number> {
    return naming(() => this.inner.countTokens(input, modelId));
  }

  detokenize(tokens: readonly number[], modelId?: string): Promise<string> {
    return naming(() => this.inner.detokenize(tokens, modelId));
  }

  async forwardTokensAndSample(inputIds: number[], isPrefill: boolean, modelId?: string): Promise<number> {
    const { id, settings: { defaults } } = this.#modelFor(modelId, "forwardTokensAndSample", false);
    const sampling = { temperature: defaults.temperature ?? undefined, topP: defaults.top_p ?? undefined };
    const begun = performance.now();
    const token = await naming(() => this.#steps.next(id, inputIds, sampling));
    this.#latest.of(id).noteStep(isPrefill, inputIds.length, (performance.now() - begun) / 1000);
    return token;
  }
}

export class MLCEngine extends EngineBase<OwnEngine> {
  constructor(engineConfig: MLCEngineConfig = {}) {
    super(new OwnEngine({ ...ownConfig(engineConfig), logLevel: engineConfig.logLevel ?? "WARN" }), engineConfig);
    this.setLogitProcessorRegistry(engineConfig.logitProcessorRegistry);
  }

  setLogitProcessorRegistry(logitProcessorRegistry?: Map<string, LogitProcessor>): void {
    this.inner.setLogitProcessorRegistry(logitProcessorRegistry);
  }
}

export async function CreateMLCEngine(
  modelId: string | string[], engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions | ChatOptions[],
): Promise<MLCEngine> {
  const engine = new MLCEngine(engineConfig);
  await engine.reload(modelId, chatOpts);
  return engine;
}
