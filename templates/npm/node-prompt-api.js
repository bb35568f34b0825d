import { languageModels } from "./language-model.js";
import { contents, createEngine } from "./node-engine.js";

export const createLanguageModel = languageModels(contents, createEngine);
