/**
 * What an engine in this thread and a handle on one in a worker have in common: configuration, requests and answers in OpenAI's shapes.
 * They differ in where their models are.
 */

import type { Prompt } from "../engine/answer.ts";
import { abortError } from "../support/abort.ts";
import { askForPersistence } from "../storage/quota.ts";
import { ModelNotFoundError, RequestValidationError } from "../support/errors.ts";
import { log, setLogLevel } from "../support/log.ts";
import { listenerOf } from "./accepted.ts";
import { LatestAnswers, RequestAnswers } from "./answers.ts";
import { chooseModel, chooseModels, parseAppConfig, parseEngineConfig, parseId, parseLogLevel, parseRequestOptions, type EngineSettings } from "./config.ts";
import type { HostListener, KeptAnswer, LoadedModelInfo, ModelHost } from "./host.ts";
import { sendable } from "./pictures.ts";
import { probeOf, recovered, resumed } from "./resume_results.ts";
import { embeddingResponse } from "./openai/embeddings.ts";
import { ChatCompletionsOf, CompletionsOf, EmbeddingsOf } from "./openai/completions.ts";
import { parseChatRequest, parseEmbeddingRequest, parseInput, parseTextRequest, parseTokens, type ParsedRequest } from "./openai/request.ts";
import { ChatShape, TextShape, type ResponseShape } from "./openai/response.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionRequest, ChatCompletionRequestNonStreaming,
  ChatCompletionRequestStreaming, Completion, CompletionChunk, CompletionRequest, CreateEmbeddingResponse, EmbeddingRequest,
  EmbeddingRequestBase64, EmbeddingRequestFloat, Model, Models, RequestOptions,
} from "./openai/types.ts";
import type {
  AppConfig, ChatOptions, DeviceLostCallback, InitProgressCallback, LogLevel, MLCEngineConfig, MLCEngineInterface, MemoryEstimate,
  ModelRecord, ResumeChatCompletionOptions, ResumeProbeResult, ResumeResult,
} from "./types.ts";

/** What a caller's function throws is no failure of a load or of the GPU. */
function tell<T>(callback: ((told: T) => void) | null | undefined, told: T): void {
  try {
    callback?.(told);
  } catch (error) {
    log.warn(`A callback of the engine failed: ${String(error)}`);
  }
}

function describe({ modelId, loadedAt }: LoadedModelInfo): Model {
  return { id: modelId, object: "model", created: Math.floor(loadedAt / 1000), owned_by: "local" };
}

export abstract class BaseEngine implements MLCEngineInterface {
  /** @internal Where the models are. */
  abstract readonly host: ModelHost;
  /** @internal */
  protected readonly listener: HostListener = {
    progress: (report) => tell(this.#onProgress, report),
    deviceLost: (error) => tell(this.#onDeviceLost, error),
  };
  readonly chat = { completions: new ChatCompletionsOf((request, options) => this.#chatCompletion(request, options)) };
  readonly completions = new CompletionsOf((request, options) => this.#completion(request, options));
  readonly embeddings = new EmbeddingsOf((request, options) => this.#embeddings(request, options));
  readonly models: Models = {
    list: async () => ({ object: "list", data: (await this.host.loadedModels()).map(describe) }),
    retrieve: async (id) => {
      const model = parseId(id, "model") ?? "";
      const found = (await this.host.loadedModels()).find(({ modelId }) => modelId === model);
      if (found === undefined) throw new ModelNotFoundError(`No model is loaded that is called "${model}".`, { modelId: model, param: "model" });
      return describe(found);
    },
  };
  readonly #config: EngineSettings;
  #appConfig: AppConfig | undefined;
  #onProgress: InitProgressCallback | undefined;
  #onDeviceLost: DeviceLostCallback | undefined;
  readonly #latest = new LatestAnswers();

  constructor(engineConfig?: MLCEngineConfig | null) {
    this.#config = parseEngineConfig(engineConfig);
    this.#onProgress = engineConfig?.initProgressCallback ?? undefined;
    this.#onDeviceLost = engineConfig?.deviceLostCallback ?? undefined;
    this.#appConfig = this.#config.appConfig;
  }

  /** @internal The level that the configuration asks for. */
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
    await this.host.load({ choices: chooseModels(modelId, chatOpts, this.#appConfig, this.#config), keepsOthers }, signal ?? undefined);
    void askForPersistence();
  }

  async estimateMemory(model: string | ModelRecord, chatOpts?: ChatOptions | null, options?: RequestOptions | null): Promise<MemoryEstimate> {
    const { signal } = parseRequestOptions(options);
    return this.host.estimate(chooseModel(model, chatOpts, this.#appConfig, this.#config), signal ?? undefined);
  }

  async unload(modelId?: string): Promise<void> {
    await this.host.unload(parseId(modelId, "modelId"));
  }

  interruptGenerate(): Promise<void> {
    return this.host.interruptGenerate();
  }

  async listResumableSessions(): Promise<ResumeProbeResult[]> {
    return (await this.host.keptAnswers()).map(probeOf);
  }

  async deleteResumableSession(sessionId: string): Promise<void> {
    await this.host.deleteResumableSession(parseId(sessionId, "sessionId") ?? "");
  }

  getGPUVendor(): Promise<string> {
    return this.host.getGPUVendor();
  }

  getMaxStorageBufferBindingSize(): Promise<number> {
    return this.host.getMaxStorageBufferBindingSize();
  }

  setLogLevel(level: LogLevel): void {
    const parsed = parseLogLevel(level);
    setLogLevel(parsed); // of this thread, and of the one that has the models
    this.host.setLogLevel(parsed);
  }

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
    const id = parseId(modelId, "modelId");
    this.#latest.forget(id, keepStats);
    await this.host.forgetConversations(id);
  }

  async getMessage(modelId?: string): Promise<string> {
    return this.#latest.get(parseId(modelId, "modelId"))?.message ?? "";
  }

  async runtimeStatsText(modelId?: string): Promise<string> {
    const used = this.#latest.get(parseId(modelId, "modelId"))?.usage ?? null;
    if (used === null) return "No answer has been generated yet.";
    const { prefill_tokens_per_s: prefill, decode_tokens_per_s: decode } = used.extra;
    return `prefill: ${prefill.toFixed(4)} tokens/sec, decoding: ${decode.toFixed(4)} tokens/sec`;
  }

  async #chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>> {
    return this.#answer(parseChatRequest(request), options, (model) => new ChatShape(model));
  }

  async #completion(request: CompletionRequest, options?: RequestOptions): Promise<Completion | AsyncIterableIterator<CompletionChunk>> {
    const parsed = parseTextRequest(request);
    const echoes = await Promise.all(parsed.echo ? parsed.prompts.map((prompt) => this.#textOf(prompt, parsed.model)) : []);
    return this.#answer(parsed, options, (model) => new TextShape(model, (index) => echoes[Math.floor(index / parsed.choices)] ?? ""));
  }

  async #textOf(prompt: Prompt, model: string | undefined): Promise<string> {
    if (prompt.kind === "tokens") return this.host.decodeTokens(await this.host.encodePrompt(prompt, model), model);
    return prompt.kind === "text" ? prompt.text : "";
  }

  async #answer<W, P>(
    { answer, prompts, choices, model, stream, includeUsage }: ParsedRequest, options: RequestOptions | undefined,
    shapeFor: (model: string) => ResponseShape<W, P>,
  ): Promise<W | AsyncIterableIterator<P>> {
    const { signal, priority } = parseRequestOptions(options);
    const sent = sendable(prompts[0], choices); // a prompt with pictures is alone
    const each = sent === undefined ? prompts.flatMap((prompt) => Array.from({ length: choices }, () => prompt)) : await sent;
    const requests = each.map((prompt, i) => ({ ...answer, prompt, choice: i % choices, priority: priority ?? 0 }));
    const answers = await RequestAnswers.begin(
      requests.map((request) => () => this.host.begin({ request, model }, signal ?? undefined)), choices, signal ?? undefined, this.#latest);
    listenerOf(options)?.();
    const shape = shapeFor(answers.modelId);
    return stream ? answers.pieces(shape, includeUsage) : answers.whole(shape);
  }

  async #embeddings(request: EmbeddingRequest, options?: RequestOptions): Promise<CreateEmbeddingResponse<number[] | string>> {
    const parsed = parseEmbeddingRequest(request);
    const signal = parseRequestOptions(options).signal ?? undefined;
    if (signal?.aborted) throw abortError(signal, "The request was aborted before it began.");
    const { modelId, ...embeddings } = await this.host.embed(parsed.call, parsed.model, signal, listenerOf(options));
    return embeddingResponse(modelId, embeddings, parsed);
  }

  embedding(request: EmbeddingRequestFloat, options?: RequestOptions): Promise<CreateEmbeddingResponse>;
  embedding(request: EmbeddingRequestBase64, options?: RequestOptions): Promise<CreateEmbeddingResponse<string>>;
  embedding(request: EmbeddingRequest, options?: RequestOptions): Promise<CreateEmbeddingResponse<number[] | string>>;
  embedding(request: EmbeddingRequest, options?: RequestOptions): Promise<CreateEmbeddingResponse<number[] | string>> {
    return this.embeddings.create(request, options);
  }

  resumeChatCompletion(sessionId: string, options?: ResumeChatCompletionOptions & { readonly stream?: false | undefined }): Promise<ResumeResult>;
  resumeChatCompletion(
    sessionId: string, options: ResumeChatCompletionOptions & { readonly continueGeneration: true; readonly stream: true },
  ): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  async resumeChatCompletion(
    id: string, given?: ResumeChatCompletionOptions,
  ): Promise<ResumeResult | AsyncIterableIterator<ChatCompletionChunk>> {
    const sessionId = parseId(id, "sessionId") ?? "";
    const { stream = false, continueGeneration = false, ...options } = given ?? {};
    const signal = parseRequestOptions(options).signal ?? undefined;
    if (stream && !continueGeneration) throw new RequestValidationError("stream needs continueGeneration: true.", { param: "stream" });
    const known = async (): Promise<KeptAnswer | undefined> => (await this.host.keptAnswers()).find((kept) => kept.sessionId === sessionId);
    if (!continueGeneration) return recovered(await known(), sessionId, (tokens, modelId) => this.host.decodeTokens(tokens, modelId));
    const replayed = stream ? undefined : await known();
    const answers = await RequestAnswers.begin([() => this.host.resume(sessionId, signal)], 1, signal, this.#latest);
    const shape = new ChatShape(answers.modelId);
    return stream ? answers.pieces(shape, true) : resumed(sessionId, await answers.whole(shape), replayed);
  }

  /** The tokens that a chat, with these tools, or a completion would compute for this prompt. Raises RequestValidationError. */
  async tokenize(input: string | readonly ChatCompletionMessageParam[], modelId?: string, options: Pick<ChatCompletionRequest, "tools"> = {}): Promise<number[]> {
    const prompt = parseInput(input, options);
    const [sent = prompt] = await sendable(prompt, 1) ?? [];
    return this.host.encodePrompt(sent, parseId(modelId, "modelId"));
  }

  async countTokens(input: string | readonly ChatCompletionMessageParam[], modelId?: string, options: Pick<ChatCompletionRequest, "tools"> = {}): Promise<number> {
    return (await this.tokenize(input, modelId, options)).length;
  }

  /** The text of tokens; those that have none of their own, as the mark of an end, are left out. Raises RequestValidationError. */
  async detokenize(tokens: readonly number[], modelId?: string): Promise<string> {
    return this.host.decodeTokens(parseTokens(tokens), parseId(modelId, "modelId"));
  }
}
