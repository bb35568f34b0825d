import { createEngine, hasModelInCache, Package } from "./index.js";
import { createLanguageModel as onEngine } from "./runtime/prompt-api.js";
import { asksForWeights, models } from "./models.js";

const contents = new Package(models, asksForWeights);

/** As the global LanguageModel of browsers that have one, on a model of this package: by default the first that writes. */
export function createLanguageModel({ prefersNative, model, ...config } = {}) {
  const { record, contextLength } = contents.find(model, ({ embeds }) => !embeds);
  return onEngine({
    contextWindow: contextLength,
    prefersNative,
    isStored: () => hasModelInCache(record.model_id),
    open: (progress) => createEngine({
      ...config,
      model: record.model_id,
      initProgressCallback(report) {
        progress(report.progress);
        config.initProgressCallback?.(report);
      },
    }),
  });
}
