import { openEngine, Package } from "./runtime/whole.js";
import { asksForWeights, models } from "./models.js";

export * from "./runtime/whole.js";
export { modelId, modelIds, modelRecords } from "./models.js";

const contents = new Package(models, asksForWeights);

export async function createEngine(config, chatOptions) {
  const { signal, ...more } = config ?? {};
  const [chosen, engineConfig] = contents.choose(more);
  return openEngine(chosen, engineConfig, chatOptions, { signal });
}
