/** What a page needs whose models run elsewhere: a worker's engine with OpenAI's shapes, and what a package says of itself. No model runs on this alone. */

export { createFetch, type ServedEngine } from "./api/openai/fetch.ts";
export type * as OpenAI from "./api/openai/types.ts";
export type * as EngineTypes from "./api/types.ts";
export { serveEndpoint } from "./endpoint/serve.ts";
export * from "./hybrid/index.ts";
export {
  AbortError, ContextWindowSizeExceededError, DeviceLostError, DownloadError, FeatureSupportError, GPUExecutionError, InternalError, MLCEngineError,
  ManifestError, ModelNotFoundError, ModelNotLoadedError, NoAnswerError, OutOfMemoryError, ProtocolError, QueueFullError, RemoteError, RequestValidationError,
  WebGPUNotAvailableError, type ErrorCode, type ErrorDetails,
} from "./support/errors.ts";
export { scriptUrl } from "./support/script_url.ts";
export { CreateWebWorkerMLCEngine as openWorkerEngine, WebWorkerMLCEngine as WorkerEngine, type WorkerLike } from "./transport/client.ts";
export * from "./webllm/package.ts";
