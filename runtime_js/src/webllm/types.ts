/** WebLLM's types of engines, models and settings. Requests and answers are in messages.ts. */

import type { LogitProcessor } from "../engine/logit_processor.ts";
import type { LogLevel } from "../support/log.ts";
import type { Calibration } from "../executor/calibration.ts";
import type { Device } from "../executor/devices.ts";
import type { ModelSource } from "../storage/source.ts";
import type { ModelType } from "./constants.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestBase, ChatCompletionRequestNonStreaming,
  ChatCompletionRequestStreaming, Completion, CompletionCreateParams, CompletionCreateParamsBase, CompletionCreateParamsNonStreaming,
  CompletionCreateParamsStreaming, CreateEmbeddingResponse, EmbeddingCreateParams, ResponseFormat,
} from "./messages.ts";

export type { LogitProcessor, LogLevel };

export interface InitProgressReport {
  /** 0 to 1; of the last one of a load, exactly 1. */
  progress: number;
  /** In seconds. */
  timeElapsed: number;
  text: string;
}

export type InitProgressCallback = (report: InitProgressReport) => void;

/** "sha256-", "sha384-" or "sha512-" and base64. */
export type SRIString = string;
export type FileIntegrityMap = Record<string, SRIString>;

export interface ModelIntegrity {
  config?: SRIString;
  model_lib?: SRIString;
  tokenizer?: FileIntegrityMap;
  onFailure?: "error" | "warn";
}

/** How WebLLM's own files spell a chat. Here the model's own chat template does, and of this only the system message is read. */
export interface ConvTemplateConfig {
  system_template: string;
  system_message: string;
  roles: Record<"user" | "assistant" | "tool", string>;
  role_templates?: Partial<Record<"user" | "assistant" | "tool", string>>;
  seps: string[];
  role_content_sep?: string;
  role_empty_sep?: string;
  stop_str: string[];
  system_prefix_token_ids?: number[];
  stop_token_ids: number[];
  add_role_after_system_message?: boolean;
  render_empty_system_message?: boolean;
}

/**
 * A model's settings. Read are: context_window_size, the sampling values (defaults of requests), and of `conv_config` the system message and
 * what ends an answer; the others are facts of WebLLM's own files, which this package's model has in its own.
 */
export interface ChatConfig {
  tokenizer_files: string[];
  tokenizer_info?: { token_postproc_method: string; prepend_space_in_encode: boolean; strip_space_in_decode: boolean };
  token_table_postproc_method?: string;
  vocab_size: number;
  conv_config?: Partial<ConvTemplateConfig>;
  conv_template: ConvTemplateConfig;
  context_window_size: number;
  sliding_window_size: number;
  attention_sink_size: number;
  max_history_size?: number;
  repetition_penalty: number;
  frequency_penalty: number;
  presence_penalty: number;
  top_p: number;
  temperature: number;
  bos_token_id?: number;
  model_type?: string;
  model_config?: Record<string, unknown>;
}

export interface ChatOptions extends Partial<ChatConfig> {
  /** What computes this model; default: what the engine's configuration says. Not of WebLLM. */
  device?: Device;
}

/** Where this package's own files of a model lie. Not of WebLLM. */
export interface PackagedModel extends ModelSource {
  /** Other ids that mean this model. */
  readonly aliases?: readonly string[];
}

export interface ModelRecord extends Partial<PackagedModel> {
  /** WebLLM's address of the weights; a record without `manifest` means the model of this package that has its id. */
  model: string;
  model_id: string;
  /** WebLLM's address of the compiled model; as above. */
  model_lib: string;
  overrides?: ChatOptions;
  vram_required_MB?: number;
  low_resource_required?: boolean;
  buffer_size_required_bytes?: number;
  required_features?: string[];
  model_type?: ModelType;
  integrity?: ModelIntegrity;
  model_manifest?: string;
}

export type CacheBackend = "cache" | "indexeddb" | "cross-origin" | "opfs";
export type OPFSAccessMode = "async" | "sync" | "auto";

export interface AppConfig {
  model_list: ModelRecord[];
  /** Accepted; files are kept in the private file system, or in the Cache API where there is none. */
  cacheBackend?: CacheBackend;
  opfsAccessMode?: OPFSAccessMode;
}

export interface MLCEngineConfig {
  appConfig?: AppConfig;
  initProgressCallback?: InitProgressCallback;
  logitProcessorRegistry?: Map<string, LogitProcessor>;
  logLevel?: LogLevel;
  /** What computes the models; default "auto". Not of WebLLM, as the next two. */
  device?: Device;
  variant?: string;
  calibrate?: Calibration;
}

export interface ExtensionMLCEngineConfig extends MLCEngineConfig {
  extensionId?: string;
  /**
   * The extension's page whose script makes the handler, as "engine.html": it is opened where it is not, as the extension's offscreen document.
   * Without one, and in browsers that have no such documents, the background script answers. Not of WebLLM.
   */
  offscreen?: string;
  onDisconnect?: () => void;
}

export interface GenerationConfig {
  repetition_penalty?: number | null;
  ignore_eos?: boolean;
  top_p?: number | null;
  temperature?: number | null;
  max_tokens?: number | null;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  stop?: string | null | string[];
  n?: number | null;
  logit_bias?: Record<string, number> | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  response_format?: ResponseFormat | null;
  enable_thinking?: boolean | null;
  enable_latency_breakdown?: boolean | null;
}

export interface ResumeProbeResult {
  sessionId: string;
  resumable: boolean;
  reason?: string;
  modelId: string;
  emittedTokens: number;
  processedSeqLen: number;
  recoveryMode: "kv" | "token_replay" | "text_only" | "none";
}

export interface ResumeResult {
  sessionId: string;
  recoveredText: string;
  emittedTokens: number;
  processedSeqLen: number;
  replayedTokens: number;
  recoveryMode: "kv" | "token_replay" | "text_only";
}

export interface ResumeChatCompletionOptions {
  continueGeneration?: boolean;
  stream?: boolean;
}

/** A message of a program's own between its page and its worker. */
export interface CustomRequestParams {
  requestName: string;
  requestMessage: string;
}

export interface WorkerRequest {
  kind: string;
  uuid: string;
  content: unknown;
}

export type WorkerResponse =
  | { kind: "return" | "throw"; uuid: string; content: unknown }
  | { kind: "initProgressCallback"; uuid: string; content: InitProgressReport }
  | { kind: "heartbeat"; uuid: string };

/** WebLLM's description of a model's files, which nothing here reads. */
export interface ModelPackageManifest {
  schema: "mlc.model-package";
  schema_version: 1;
  chat_config: "mlc-chat-config.json";
  interface_id: string;
  weights: { manifest: "tensor-cache.json"; parameter_schema_id: string };
  tasks: Record<string, { executor: string; inputs: Record<string, { processor: unknown; adapter?: string; prompt?: unknown }>; output: string }>;
}

/** WebLLM's description of a compiled model, which nothing here reads. */
export interface CompiledProgramArtifact {
  schema: "mlc.compiled-program";
  schema_version: 1;
  interface_id: string;
  parameter_schema_id: string;
  programs: Record<string, { kind: string; exports: Record<string, string>; adapters: Record<string, string>; adapter_dtypes: Record<string, string> }>;
  resources: { required_features: string[]; max_storage_buffer_binding_size: number; estimated_device_memory_bytes: number };
}

export interface MLCEngineInterface {
  chat: { completions: ChatCompletionsInterface };
  completions: CompletionsInterface;
  embeddings: { create(request: EmbeddingCreateParams): Promise<CreateEmbeddingResponse> };
  setInitProgressCallback: (initProgressCallback: InitProgressCallback) => void;
  getInitProgressCallback: () => InitProgressCallback | undefined;
  setAppConfig: (appConfig: AppConfig) => void;
  /** Unloads all models, then loads these, one after the other. Where `unload` ends it, it resolves. */
  reload: (modelId: string | string[], chatOpts?: ChatOptions | ChatOptions[]) => Promise<void>;
  chatCompletion(request: ChatCompletionRequestNonStreaming): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming): Promise<AsyncIterable<ChatCompletionChunk>>;
  chatCompletion(request: ChatCompletionRequestBase): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
  chatCompletion(request: ChatCompletionRequest): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
  completion(request: CompletionCreateParamsNonStreaming): Promise<Completion>;
  completion(request: CompletionCreateParamsStreaming): Promise<AsyncIterable<Completion>>;
  completion(request: CompletionCreateParamsBase): Promise<AsyncIterable<Completion> | Completion>;
  completion(request: CompletionCreateParams): Promise<AsyncIterable<Completion> | Completion>;
  embedding(request: EmbeddingCreateParams): Promise<CreateEmbeddingResponse>;
  listResumableSessions(): Promise<ResumeProbeResult[]>;
  resumeChatCompletion(sessionId: string, options?: ResumeChatCompletionOptions): Promise<ResumeResult | AsyncIterable<ChatCompletionChunk>>;
  deleteResumableSession(sessionId: string): Promise<void>;
  runtimeStatsText: (modelId?: string) => Promise<string>;
  interruptGenerate: () => void;
  unload: () => Promise<void>;
  resetChat: (keepStats?: boolean, modelId?: string) => Promise<void>;
  getMessage: (modelId?: string) => Promise<string>;
  getMaxStorageBufferBindingSize(): Promise<number>;
  getGPUVendor(): Promise<string>;
  /** Computes these tokens behind those of earlier calls, and draws the next. */
  forwardTokensAndSample(inputIds: number[], isPrefill: boolean, modelId?: string): Promise<number>;
  setLogLevel(logLevel: LogLevel): void;
}

export interface ChatCompletionsInterface {
  create(request: ChatCompletionRequestNonStreaming): Promise<ChatCompletion>;
  create(request: ChatCompletionRequestStreaming): Promise<AsyncIterable<ChatCompletionChunk>>;
  create(request: ChatCompletionRequestBase): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
}

export interface CompletionsInterface {
  create(request: CompletionCreateParamsNonStreaming): Promise<Completion>;
  create(request: CompletionCreateParamsStreaming): Promise<AsyncIterable<Completion>>;
  create(request: CompletionCreateParamsBase): Promise<AsyncIterable<Completion> | Completion>;
}
