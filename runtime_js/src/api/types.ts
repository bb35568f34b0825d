/** The public types of the engine, with WebLLM's names. */

import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
  ChatCompletions, RequestOptions,
} from "./openai/types.ts";

export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "SILENT";

/** One model that can be loaded by its id. */
export interface ModelRecord {
  readonly model_id: string;
  /** URL of the model folder's `manifest.<hash>.json`. */
  readonly manifest: string;
  /** Lower-case hex; checked before the manifest is used. */
  readonly manifest_sha256?: string | undefined;
  /** Manifest file name to URL, where a bundler gave the files of a package other URLs. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** URL of a folder that serves the weights; default: where the manifest says. */
  readonly weights?: string | undefined;
}

export interface AppConfig {
  readonly model_list: readonly ModelRecord[];
}

export interface ChatOptions {
  /** Tokens that one conversation may hold, at most the model's own; default: the model's own. */
  readonly context_window_size?: number | undefined;
}

/** What loading does now: reads the description, moves weights to the GPU while kernels compile, or is done. */
export type InitPhase = "config" | "weights" | "kernels" | "ready";

/** The parts of a load, in seconds from its begin to the end of each. They run side by side. */
export interface LoadTimes {
  /** The adapter is chosen and the manifest is read. */
  readonly manifest: number;
  /** The device and its buffers are made. */
  readonly device: number;
  readonly tokenizer: number;
  readonly kernels: number;
  /** All weights are verified and on the GPU. */
  readonly weights: number;
}

export interface InitProgressReport {
  /** 0 to 1. */
  readonly progress: number;
  /** Seconds since the load began. */
  readonly timeElapsed: number;
  readonly text: string;
  readonly phase: InitPhase;
  /** Weight bytes that have come. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Set where the model runs but something the user may want to know is wrong, as storage that is full. */
  readonly warning?: string | undefined;
  /** Set when the phase is "ready". */
  readonly times?: LoadTimes | undefined;
}

export type InitProgressCallback = (report: InitProgressReport) => void;

/** "auto" measures on a model's first load, for half a second, which kernels are fast on this GPU, and remembers; "off" takes defaults. */
export type Calibration = "auto" | "off";

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
