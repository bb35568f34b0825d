/** The script of a dedicated worker that is nothing but an engine. */

import { WebWorkerMLCEngineHandler } from "./worker.ts";

const handler = new WebWorkerMLCEngineHandler();
globalThis.addEventListener("message", (event) => handler.onmessage(event));
