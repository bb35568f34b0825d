export { CreateWebWorkerMLCEngine, WebWorkerMLCEngine, type WorkerLike } from "./transport/client.ts";
export { CreateMLCEngine, MLCEngine } from "./api/engine.ts";
export * from "./support/errors.ts";
export { createFetch } from "./api/openai/fetch.ts";
export type * from "./api/openai/types.ts";
export { deleteModelInCache, hasModelInCache } from "./api/cache.ts";
export type * from "./api/types.ts";
export { WebWorkerMLCEngineHandler } from "./transport/worker.ts";
