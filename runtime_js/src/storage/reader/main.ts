/** The script of a reader that is nothing else. */

import { serveReads } from "./worker.ts";

serveReads();
