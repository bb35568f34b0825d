import { addPackagedModels, openWorkerEngine, packagedRecord, RequestValidationError, startEngine } from "./runtime/node.js";
import { engineConfig, modelFacts, modelId, modelRecord } from "./model.js";

export * from "./runtime/node.js";
export { modelId, modelRecord } from "./model.js";

addPackagedModels([packagedRecord(modelRecord, modelFacts)]);

/** As in a browser, with a thread in the worker's place. */
export async function createEngine(config, chatOptions) {
  const { weights, worker, signal, ...more } = config ?? {};
  const full = engineConfig(more, weights, RequestValidationError);
  signal?.throwIfAborted();
  const started = worker ?? startEngine(new URL("./runtime/node-worker.js", import.meta.url));
  try {
    return await openWorkerEngine(started, modelId, full, chatOptions, { signal });
  } catch (error) {
    if (started !== worker) started.terminate();
    throw error;
  }
}
