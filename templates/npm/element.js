import { defineChat } from "./runtime/element.js";
import { models } from "./models.js";

export * from "./runtime/element.js";

// What runs a model comes when one is loaded.
defineChat(models, async (config) => (await import("./engine.js")).createEngine(config));
