import { addPackagedModels, openEngine, RequestValidationError } from "./runtime/node.js";
import { engineConfig, modelId, webllmRecord } from "./model.js";

export * from "./runtime/node.js";
export { modelId, modelRecord } from "./model.js";

addPackagedModels([webllmRecord]);

export async function createEngine(config, chatOptions) {
  const { weights, signal, ...more } = config ?? {};
  return openEngine(modelId, engineConfig(more, weights, RequestValidationError), chatOptions, { signal });
}
