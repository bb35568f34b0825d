export { CreateWebWorkerMLCEngine, WebWorkerMLCEngine, type WorkerLike } from "./client.ts";
export { CreateMLCEngine, MLCEngine } from "./engine.ts";
export * from "./errors.ts";
export { createFetch } from "./openai/fetch.ts";
export type * from "./openai/types.ts";
export { deleteModelInCache, hasModelInCache } from "./storage/model_folder.ts";
export type * from "./types.ts";
export { WebWorkerMLCEngineHandler } from "./worker.ts";
