/** The package's entry: the engine with OpenAI's shapes, and WebLLM's interface on it. */

export { CreateMLCEngine as openEngine, MLCEngine as Engine } from "./api/engine.ts";
export * from "./handle.ts";
export { WebWorkerMLCEngineHandler as EngineHandler } from "./transport/worker.ts";
export * from "./webllm/index.ts";
