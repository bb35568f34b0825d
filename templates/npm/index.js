import { addPackagedModels, FeatureSupportError, openWorkerEngine, packagedRecord, RequestValidationError } from "./runtime/index.js";
import { engineConfig, modelFacts, modelId, modelRecord } from "./model.js";

export * from "./runtime/index.js";
export { modelId, modelRecord } from "./model.js";

addPackagedModels([packagedRecord(modelRecord, modelFacts)]);

export async function createEngine(config, chatOptions) {
  const { weights, worker, signal, ...more } = config ?? {};
  const full = engineConfig(more, weights, RequestValidationError);
  signal?.throwIfAborted();
  const isGiven = worker !== undefined && worker !== null;
  const started = isGiven ? { worker, forget() {} } : startWorker();
  try {
    return await openWorkerEngine(started.worker, modelId, full, chatOptions, { signal });
  } catch (error) {
    if (!isGiven) started.worker.terminate();
    throw error;
  } finally {
    started.forget();
  }
}

/** Browsers start scripts of the page's own origin only. Such a script may import one from elsewhere: a CDN, for instance. */
function startWorker() {
  if (typeof Worker !== "function") {
    throw new FeatureSupportError("There are no workers here. Import this package anywhere, but call createEngine in a browser's page.");
  }
  const script = new URL("./runtime/worker.js", import.meta.url);
  if (script.origin === globalThis.origin) return { worker: new Worker(script, { type: "module" }), forget() {} };
  const blob = URL.createObjectURL(new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" }));
  return { worker: new Worker(blob, { type: "module" }), forget: () => URL.revokeObjectURL(blob) };
}
