export { deleteModelInCache, hasModelInCache } from "./api/cache.ts";
export { CreateMLCEngine, MLCEngine } from "./api/engine.ts";
export { createFetch, type ServedEngine } from "./api/openai/fetch.ts";
export type * from "./api/openai/types.ts";
export type * from "./api/types.ts";
export {
  AbortError, ContextWindowSizeExceededError, DeviceLostError, DownloadError, FeatureSupportError, GPUExecutionError, IntegrityError,
  InternalError, MLCEngineError, ManifestError, ModelNotFoundError, ModelNotLoadedError, OutOfMemoryError, ProtocolError,
  QueueFullError, RequestValidationError, WebGPUNotAvailableError, type ErrorCode, type ErrorDetails,
} from "./support/errors.ts";
export { CreateWebWorkerMLCEngine, WebWorkerMLCEngine, type WorkerLike } from "./transport/client.ts";
export { WebWorkerMLCEngineHandler } from "./transport/worker.ts";
