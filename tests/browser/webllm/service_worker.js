// As WebLLM's example has it: the handler is made when the worker is activated. Bundled, as import() is forbidden in service workers.
import { ServiceWorkerMLCEngineHandler } from "@mlc-ai/web-llm";

let handler;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  handler = new ServiceWorkerMLCEngineHandler();
  event.waitUntil(self.clients.claim());
});
