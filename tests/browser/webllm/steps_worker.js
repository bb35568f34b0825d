import { WebWorkerMLCEngineHandler } from "/package/index.js";
import { Forcing } from "./forcing.js";

const handler = new WebWorkerMLCEngineHandler();
const forcing = new Forcing();
handler.setLogitProcessorRegistry(new Map([["phi-2-q4f32_1-MLC", forcing]]));
self.onmessage = (message) => {
  if (message.data === "resets") self.postMessage({ kind: "return", uuid: "resets", content: forcing.resets });
  else handler.onmessage(message);
};
