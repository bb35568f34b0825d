import { WebWorkerMLCEngineHandler } from "../transport/worker.ts";
import { openShared } from "./group.ts";

/** Makes of this thread a worker with an engine. group: what all workers have in common that share their models; undefined: they are its own. */
export function serveEngine(group: string | undefined): void {
  const handler = new WebWorkerMLCEngineHandler(undefined, group === undefined ? undefined : (listener) => openShared(group, listener));
  globalThis.addEventListener("message", (event) => handler.onmessage(event));
}
