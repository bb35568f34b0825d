import { createEngine, hasModelInCache } from "./index.js";
import { createLanguageModel as onEngine } from "./runtime/prompt-api.js";
import { contextLength, modelId } from "./model.js";

/** As the global LanguageModel of browsers that have one, on this package's model. */
export function createLanguageModel({ prefersNative, ...config } = {}) {
  return onEngine({
    contextWindow: contextLength,
    prefersNative,
    isStored: () => hasModelInCache(modelId),
    open: (progress) => createEngine({
      ...config,
      initProgressCallback(report) {
        progress(report.progress);
        config.initProgressCallback?.(report);
      },
    }),
  });
}
