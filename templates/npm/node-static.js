import { CreateMLCEngine, RequestValidationError } from "./runtime/node.js";
import { engineConfig, modelId } from "./model.js";

export * from "./runtime/node.js";
export { modelId, modelRecord } from "./model.js";

export async function createEngine(config, chatOptions) {
  const { weights, signal, ...more } = config ?? {};
  return CreateMLCEngine(modelId, engineConfig(more, weights, RequestValidationError), chatOptions, { signal });
}
