/** The public types of the engine, with WebLLM's names. */

import type { VisionLoad } from "../engine/vision_load.ts";
import type { LogitProcessor } from "../engine/logit_processor.ts";
import type { InitPhase, InitProgressCallback, InitProgressReport, LoadTimes } from "../engine/progress.ts";
import type { Calibration } from "../executor/calibration.ts";
import type { Computer, Device } from "../executor/devices.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { ModelSource } from "../storage/source.ts";
import type { LogLevel } from "../support/log.ts";
import type { MLCEngineError } from "../support/errors.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionRequest, ChatCompletionRequestNonStreaming,
  ChatCompletionRequestStreaming, ChatCompletions, Completions, Embeddings, Models, RequestOptions,
} from "./openai/types.ts";

export type { Calibration, Computer, Device, LogitProcessor, InitPhase, InitProgressCallback, InitProgressReport, LoadTimes, LogLevel, MemoryEstimate, ModelSource };

/** One model that can be loaded by its id. */
export interface ModelRecord extends ModelSource {
  readonly model_id: string;
}

export interface AppConfig {
  readonly model_list: readonly ModelRecord[];
}

export interface ChatOptions {
  /** Tokens that one conversation may hold, at most the model's own; default: the model's own. */
  readonly context_window_size?: number | undefined;
  /** What computes this model; default: what the engine's configuration says. */
  readonly device?: Device | undefined;
  /** Whether the part that sees pictures, where the model has one, is loaded with it ("eager", the default) or when the first picture comes ("lazy"). */
  readonly vision?: VisionLoad | undefined;
}

/** Called when the GPU went away by itself and the model could not be loaded again, on the CPU either: requests fail until `reload`. */
export type DeviceLostCallback = (error: MLCEngineError) => void;

export interface MLCEngineConfig {
  readonly appConfig?: AppConfig | undefined;
  readonly initProgressCallback?: InitProgressCallback | undefined;
  readonly deviceLostCallback?: DeviceLostCallback | undefined;
  readonly logLevel?: LogLevel | undefined;
  /** What computes the models; default: "auto". */
  readonly device?: Device | undefined;
  /** Runs this variant of the model or fails; default: the first that the adapter supports. */
  readonly variant?: string | undefined;
  /** Default: "auto". */
  readonly calibrate?: Calibration | undefined;
  /**
   * Bytes of memory that the engine's models may take together on the GPU, and as many on the CPU, as `estimateMemory` counts it: a load
   * beyond is refused before its weights are fetched. Default: what there is.
   */
  readonly memoryLimit?: number | undefined;
  /** By model id: code that has a part in drawing each token. Only of an engine in this thread. */
  readonly logitProcessorRegistry?: ReadonlyMap<string, LogitProcessor> | undefined;
}

/** An answer that was cut off, with WebLLM's names. */
export interface ResumeProbeResult {
  readonly sessionId: string;
  readonly resumable: boolean;
  /** Why it is not. */
  readonly reason?: string | undefined;
  readonly modelId: string;
  readonly emittedTokens: number;
  /** Those and the prompt's. */
  readonly processedSeqLen: number;
  readonly recoveryMode: "token_replay" | "none";
}

/** What was made of such an answer, with WebLLM's names. */
export interface ResumeResult {
  readonly sessionId: string;
  readonly recoveredText: string;
  readonly emittedTokens: number;
  readonly processedSeqLen: number;
  /** Tokens that were computed again to go on from. */
  readonly replayedTokens: number;
  /** `text_only`: it was read, and stays for later. */
  readonly recoveryMode: "token_replay" | "text_only";
  /** The whole answer, where it was gone on with. */
  readonly completion?: ChatCompletion | undefined;
}

export interface ResumeChatCompletionOptions extends RequestOptions {
  /** Goes on to the answer's end; default: its text as far as it came. */
  readonly continueGeneration?: boolean | undefined;
  /** With `continueGeneration`: the whole answer as a stream; what there was of it comes at once. */
  readonly stream?: boolean | undefined;
}

/** An engine, in this thread (MLCEngine) or in a worker (WebWorkerMLCEngine). */
export interface MLCEngineInterface {
  readonly chat: { readonly completions: ChatCompletions };
  readonly completions: Completions;

  readonly embeddings: Embeddings;
  readonly models: Models;

  /**
   * Loads a model, or several one after the other: an id in `appConfig.model_list`, or the URL of a manifest. Models before it are
   * unloaded first; requests made meanwhile wait for the model that they ask for. Of overlapping calls of `reload` and `unload` the last one
   * counts, and loads before it reject with AbortError. Where one of several fails, those before it stay and those behind it are not loaded.
   */
  reload(modelId: string | readonly string[], chatOpts?: ChatOptions | readonly ChatOptions[], options?: RequestOptions): Promise<void>;
  /** Loads a model beside those that are loaded, which go on answering. One of the same id is replaced. */
  addModel(modelId: string, chatOpts?: ChatOptions, options?: RequestOptions): Promise<void>;
  /**
   * Frees a model, or all of them, and their GPU memory. Ends a load; an answer that runs is `interrupted`, requests that
   * wait are refused.
   */
  unload(modelId?: string): Promise<void>;
  /** GPU memory that a model will take on this machine, in bytes, from its manifest and library. No weights are fetched. */
  estimateMemory(model: string | ModelRecord, chatOpts?: ChatOptions, options?: RequestOptions): Promise<MemoryEstimate>;
  chatCompletion(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterableIterator<ChatCompletionChunk>>;
  /** Answers that were asked for with `extra_body.resumable` and not ended: what a killed tab left behind. */
  listResumableSessions(): Promise<ResumeProbeResult[]>;
  /** Such an answer: its text as far as it came, or gone on with to its end. Its model must be loaded. */
  resumeChatCompletion(sessionId: string, options?: ResumeChatCompletionOptions & { readonly stream?: false | undefined }): Promise<ResumeResult>;
  resumeChatCompletion(
    sessionId: string, options: ResumeChatCompletionOptions & { readonly continueGeneration: true; readonly stream: true },
  ): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  /** Rejects with RequestValidationError where it is under way: interrupt it, which deletes it, too. */
  deleteResumableSession(sessionId: string): Promise<void>;
  /** The token ids that a chat (messages, and tools where there are any) or a completion (a text) would compute. */
  tokenize(input: string | readonly ChatCompletionMessageParam[], modelId?: string, options?: Pick<ChatCompletionRequest, "tools">): Promise<number[]>;
  countTokens(input: string | readonly ChatCompletionMessageParam[], modelId?: string, options?: Pick<ChatCompletionRequest, "tools">): Promise<number>;
  /** The text of tokens; those that have none of their own, as the mark of an end, are left out. */
  detokenize(tokens: readonly number[], modelId?: string): Promise<string>;
  readonly embedding: Embeddings["create"];
  /** Ends the answers of all models, also those that wait: they are `interrupted`. To end one request, give it a signal. */
  interruptGenerate(): Promise<void>;
  /** Forgets the conversations in the KV cache of a model, or of all; an answer that runs goes on. */
  resetChat(keepStats?: boolean, modelId?: string): Promise<void>;
  /** The text of the latest answer that was asked of this engine, or of one of its models. */
  getMessage(modelId?: string): Promise<string>;
  runtimeStatsText(modelId?: string): Promise<string>;
  getMaxStorageBufferBindingSize(): Promise<number>;
  getGPUVendor(): Promise<string>;
  setInitProgressCallback(callback: InitProgressCallback | undefined): void;
  getInitProgressCallback(): InitProgressCallback | undefined;
  setDeviceLostCallback(callback: DeviceLostCallback | undefined): void;
  setAppConfig(appConfig: AppConfig): void;
  setLogLevel(level: LogLevel): void;
}
