import { CreateMLCEngine, RequestValidationError } from "./runtime/index.static.js";
import { engineConfig, modelId } from "./model.js";

export * from "./runtime/index.static.js";
export { modelId, modelRecord } from "./model.js";

export async function createEngine({ weights, signal, ...config } = {}, chatOptions) {
  return CreateMLCEngine(modelId, engineConfig(config, weights, RequestValidationError), chatOptions, { signal });
}
