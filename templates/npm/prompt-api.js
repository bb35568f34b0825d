import { contents, createEngine } from "./engine.js";
import { languageModels } from "./language-model.js";

export { LanguageModelToolCall, LanguageModelToolError, LanguageModelToolSuccess } from "./runtime/prompt-api.js";

/** As the global LanguageModel of browsers that have one, on a model of this package. */
export const createLanguageModel = languageModels(contents, createEngine);
