/** The script of a thread that is nothing but an engine. */

import "./platform.ts";
import { parentPort } from "node:worker_threads";
import { END } from "./owner.ts";
import { WebWorkerMLCEngineHandler } from "../transport/worker.ts";

const handler = new WebWorkerMLCEngineHandler((message) => parentPort?.postMessage(message));
parentPort?.on("message", (data: unknown) => {
  if (data === END) process.exit(); // of this thread
  handler.onmessage({ data });
});
