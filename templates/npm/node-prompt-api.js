import { languageModels } from "./language-model.js";
import { contents, createEngine } from "./node-engine.js";

export { LanguageModelToolCall, LanguageModelToolError, LanguageModelToolSuccess } from "./runtime/prompt-api.js";

export const createLanguageModel = languageModels(contents, createEngine);
