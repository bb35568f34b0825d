/** The public types of the engine, with WebLLM's names. */

import type { InitPhase, InitProgressCallback, InitProgressReport, LoadTimes } from "../engine/progress.ts";
import type { Calibration } from "../executor/tiles.ts";
import type { ModelSource } from "../storage/model_folder.ts";
import type { LogLevel } from "../support/log.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
  ChatCompletions, RequestOptions,
} from "./openai/types.ts";

export type { Calibration, InitPhase, InitProgressCallback, InitProgressReport, LoadTimes, LogLevel, ModelSource };

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
}

export interface MLCEngineConfig {
  readonly appConfig?: AppConfig | undefined;
  readonly initProgressCallback?: InitProgressCallback | undefined;
  readonly logLevel?: LogLevel | undefined;
  /** Runs this variant of the model or fails; default: the first that the adapter supports. */
  readonly variant?: string | undefined;
  /** Default: "auto". */
  readonly calibrate?: Calibration | undefined;
}

/** An engine, in this thread (MLCEngine) or in a worker (WebWorkerMLCEngine). */
export interface MLCEngineInterface {
  readonly chat: { readonly completions: ChatCompletions };

  /** Loads a model: its id in `appConfig.model_list`, or the URL of its manifest. A model already loaded is unloaded. */
  reload(modelId: string, chatOpts?: ChatOptions): Promise<void>;
  /** Frees the model and the GPU; ends a load or a generation that is under way. */
  unload(): Promise<void>;
  chatCompletion(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterable<ChatCompletionChunk>>;
  chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;
  /** Ends the running generation with finish_reason "abort"; requests that wait are not touched. */
  interruptGenerate(): Promise<void>;
  /** Forgets the conversation in the KV cache. */
  resetChat(): Promise<void>;
  /** The text of the latest answer. */
  getMessage(): Promise<string>;
  runtimeStatsText(): Promise<string>;
  getMaxStorageBufferBindingSize(): Promise<number>;
  getGPUVendor(): Promise<string>;
  setInitProgressCallback(callback: InitProgressCallback | undefined): void;
  getInitProgressCallback(): InitProgressCallback | undefined;
  setAppConfig(appConfig: AppConfig): void;
  setLogLevel(level: LogLevel): void;
}
