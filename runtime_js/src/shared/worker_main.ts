/** The script of a package's worker: an engine, for one page or for all that share it. */

import { groupOfWorker } from "../support/group_name.ts";
import { serveEngine } from "./serve_engine.ts";

serveEngine(groupOfWorker());
