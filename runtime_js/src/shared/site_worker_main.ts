/** The script of a site's worker: the engine, or one of its readers. */

import { isReader } from "../storage/reader/site_part.ts";
import { serveReads } from "../storage/reader/worker.ts";
import { groupOfWorker } from "../support/site_parts.ts";
import { WebWorkerMLCEngineHandler } from "../transport/worker.ts";
import { openShared } from "./group.ts";

if (isReader()) {
  serveReads();
} else {
  const group = groupOfWorker();
  const handler = new WebWorkerMLCEngineHandler(undefined, group === undefined ? undefined : (listener) => openShared(group, listener));
  globalThis.addEventListener("message", (event) => handler.onmessage(event));
}
