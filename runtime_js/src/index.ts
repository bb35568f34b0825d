/** The package's entry: the engine with OpenAI's shapes, and WebLLM's interface on it. */

export { CreateMLCEngine as openEngine, MLCEngine as Engine } from "./api/engine.ts";
export { createFetch, type ServedEngine } from "./api/openai/fetch.ts";
export type * as OpenAI from "./api/openai/types.ts";
export type * as EngineTypes from "./api/types.ts";
export * from "./hybrid/index.ts";
export {
  AbortError, ContextWindowSizeExceededError, DeviceLostError, DownloadError, FeatureSupportError, GPUExecutionError, InternalError, MLCEngineError,
  ManifestError, ModelNotFoundError, ModelNotLoadedError, NoAnswerError, OutOfMemoryError, ProtocolError, QueueFullError, RemoteError, RequestValidationError,
  WebGPUNotAvailableError, type ErrorCode, type ErrorDetails,
} from "./support/errors.ts";
export { CreateWebWorkerMLCEngine as openWorkerEngine, WebWorkerMLCEngine as WorkerEngine, type WorkerLike } from "./transport/client.ts";
export { WebWorkerMLCEngineHandler as EngineHandler } from "./transport/worker.ts";
export * from "./webllm/index.ts";
