/** The script of a site's worker: the engine, one of its readers, or what measures before a load. */

import { isReader } from "../storage/reader/site_part.ts";
import { serveReads } from "../storage/reader/worker.ts";
import { groupOfWorker, isPreflight } from "../support/site_parts.ts";
import { servePreflight } from "./preflight_worker.ts";
import { serveEngine } from "./serve_engine.ts";

if (isReader()) {
  serveReads();
} else if (isPreflight()) {
  servePreflight();
} else {
  serveEngine(groupOfWorker());
}
