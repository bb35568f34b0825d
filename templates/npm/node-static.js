import { addPackagedModels, openEngine, packagedRecord, RequestValidationError } from "./runtime/node.js";
import { engineConfig, modelFacts, modelId, modelRecord } from "./model.js";

export * from "./runtime/node.js";
export { modelId, modelRecord } from "./model.js";

addPackagedModels([packagedRecord(modelRecord, modelFacts)]);

export async function createEngine(config, chatOptions) {
  const { weights, signal, ...more } = config ?? {};
  return openEngine(modelId, engineConfig(more, weights, RequestValidationError), chatOptions, { signal });
}
