import { createLanguageModel as onEngine } from "./runtime/prompt-api.js";

/** What makes LanguageModels of the models that a package contains, by default of the first that writes. */
export function languageModels(contents, createEngine) {
  return ({ prefersNative, model, ...config } = {}) => {
    const found = contents.find(model, ({ embeds }) => !embeds);
    return onEngine({
      contextWindow: found.contextLength,
      sees: found.sees,
      hears: found.hears,
      prefersNative,
      isStored: () => contents.isStored(found),
      open: (progress) => createEngine({
        ...config,
        model: found.record.model_id,
        initProgressCallback(report) {
          progress(report.progress);
          config.initProgressCallback?.(report);
        },
      }),
    });
  };
}
