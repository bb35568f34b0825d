/** The script of a site's worker: the engine, or one of its readers. */

import { isReader } from "../storage/reader/site_part.ts";
import { serveReads } from "../storage/reader/worker.ts";
import { WebWorkerMLCEngineHandler } from "./worker.ts";

if (isReader()) {
  serveReads();
} else {
  const handler = new WebWorkerMLCEngineHandler();
  globalThis.addEventListener("message", (event) => handler.onmessage(event));
}
