/** The script of that thread. */

import { serveReading } from "./worker.ts";

serveReading();
