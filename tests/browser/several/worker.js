import { WebWorkerMLCEngineHandler } from "/package/index.js";

const handler = new WebWorkerMLCEngineHandler();
self.onmessage = (message) => handler.onmessage(message);
