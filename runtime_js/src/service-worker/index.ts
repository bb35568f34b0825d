/** Entry point of the classic script that sw.js imports. */

import { startServiceWorker } from "./service-worker.ts";

Object.assign(globalThis, { startServiceWorker });
