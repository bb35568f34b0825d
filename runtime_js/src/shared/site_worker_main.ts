/** The script of a site's worker: the engine, one of its readers, or what measures before a load. */

import { isReader } from "../storage/reader/site_part.ts";
import { serveReads } from "../storage/reader/worker.ts";
import { groupOfWorker, isPreflight } from "../support/site_parts.ts";
import { WebWorkerMLCEngineHandler } from "../transport/worker.ts";
import { openShared } from "./group.ts";
import { servePreflight } from "./preflight_worker.ts";

if (isReader()) {
  serveReads();
} else if (isPreflight()) {
  servePreflight();
} else {
  const group = groupOfWorker();
  const handler = new WebWorkerMLCEngineHandler(undefined, group === undefined ? undefined : (listener) => openShared(group, listener));
  globalThis.addEventListener("message", (event) => handler.onmessage(event));
}
