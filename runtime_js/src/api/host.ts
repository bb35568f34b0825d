/**
 * What holds models and answers with them, in this thread or behind a worker, in the engine's own terms. OpenAI's shapes stand above it, so
 * that neither a worker nor a page needs them.
 */

import type { AnswerEvent, AnswerRequest, Prompt } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import type { EmbeddingCall, Embeddings } from "../engine/pooling.ts";
import type { InitProgressReport } from "../engine/progress.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { MLCEngineError } from "../support/errors.ts";
import type { LogLevel } from "../support/log.ts";
import type { PushStream } from "../support/stream.ts";

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

/** A request as it is sent to the model. */
export interface AnswerCall {
  readonly request: AnswerRequest;
  /** The model that the caller asks for; undefined takes the only one. */
  readonly model: string | undefined;
  /**
   * Tokens that the answer has already, from a host that was lost: it goes on behind them, and their events come again. Where they are given,
   * be they none, each further token is told, too.
   */
  readonly past?: readonly number[] | undefined;
}

/** An answer that was accepted. Leaving its events ends it. */
export interface BegunAnswer {
  readonly modelId: string;
  readonly events: PushStream<AnswerEvent>;
}

/** What a killed tab left behind of an answer, or why nothing can be made of it. */
export type KeptAnswer =
  | {
    readonly sessionId: string; readonly modelId: string; readonly promptTokens: number; readonly tokens: readonly number[];
    readonly reason?: undefined;
  }
  | { readonly sessionId: string; readonly reason: string };

/** Vectors, and whose they are. */
export interface NamedEmbeddings extends Embeddings {
  readonly modelId: string;
}

/** Who hears of loads, and of devices that went away by themselves. */
export interface HostListener {
  progress(report: InitProgressReport): void;
  deviceLost(error: MLCEngineError): void;
}

export interface ModelHost {
  /** Loads models by their full descriptions. What they replace is unloaded first; of overlapping calls the last one counts. */
  load(call: LoadCall, signal?: AbortSignal): Promise<void>;
  /** Of one model, or of all. */
  unload(modelId?: string): Promise<void>;
  estimate(choice: ModelChoice, signal?: AbortSignal): Promise<MemoryEstimate>;
  /** Sends a request to the model; rejects where it cannot be accepted, or as soon as the signal aborts. */
  begin(call: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer>;
  resume(sessionId: string, signal?: AbortSignal): Promise<BegunAnswer>;
  keptAnswers(): Promise<readonly KeptAnswer[]>;
  deleteResumableSession(sessionId: string): Promise<void>;
  /** accepted: called, perhaps more than once, where nothing is wrong with what is asked and it has its place in the queue. */
  embed(call: EmbeddingCall, model: string | undefined, signal?: AbortSignal, accepted?: () => void): Promise<NamedEmbeddings>;
  encodePrompt(prompt: Prompt, modelId: string | undefined): Promise<number[]>;
  decodeTokens(tokens: readonly number[], modelId: string | undefined): Promise<string>;
  interruptGenerate(): Promise<void>;
  loadedModels(): Promise<readonly LoadedModelInfo[]>;
  forgetConversations(modelId: string | undefined): Promise<void>;
  getGPUVendor(): Promise<string>;
  getMaxStorageBufferBindingSize(): Promise<number>;
  setLogLevel(level: LogLevel): void;
}
