/** The offscreen document: it outlives panels and the service worker, and its worker has the model. */

import { ExtensionServiceWorkerMLCEngineHandler } from "smollm2-135m";

/** So long after the last panel was closed, the model's memory is given back. */
const IDLE_MS = 10 * 60_000;

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
let handler: ExtensionServiceWorkerMLCEngineHandler | undefined;
let panels = 0;
let idle: ReturnType<typeof setTimeout> | undefined;

chrome.runtime.onConnect.addListener((port) => {
  clearTimeout(idle);
  panels++;
  port.onDisconnect.addListener(() => {
    if (--panels === 0) idle = setTimeout(() => window.close(), IDLE_MS);
  });
  if (handler === undefined) handler = new ExtensionServiceWorkerMLCEngineHandler(port, worker);
  else handler.setPort(port);
  port.onMessage.addListener(handler.onmessage.bind(handler));
});
