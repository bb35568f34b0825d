/** The script of a thread that is nothing but an engine. */

import "./platform.ts";
import { parentPort } from "node:worker_threads";
import { WebWorkerMLCEngineHandler } from "../transport/worker.ts";

const handler = new WebWorkerMLCEngineHandler((message) => parentPort?.postMessage(message));
parentPort?.on("message", (data: unknown) => handler.onmessage({ data }));
