export { CreateWebWorkerMLCEngine, WebWorkerMLCEngine, type WorkerLike } from "./client.ts";
export * from "./errors.ts";
export type * from "./openai/types.ts";
export type * from "./types.ts";
