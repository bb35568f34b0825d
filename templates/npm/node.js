export * from "./runtime/node.js";
export { createEngine } from "./node-engine.js";
export { modelId, modelIds, modelRecords } from "./models.js";
