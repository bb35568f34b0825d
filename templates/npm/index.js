export * from "./runtime/whole.js";
export { createEngine } from "./engine.js";
export { modelId, modelIds, modelRecords } from "./models.js";
