/** Threads outside of browsers: worker_threads, which Node, Deno and Bun have. */

import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { Thread } from "../support/thread.ts";
import { releaseLocks } from "./files.ts";
import { OWNER, ownedBy } from "./owner.ts";
import type { WorkerLike } from "../transport/worker_like.ts";

/** Gives a script what it finds in a browser's worker. */
const PRELUDE = `{
  const { parentPort } = require("node:worker_threads");
  const listeners = [];
  globalThis.self = globalThis;
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, Array.isArray(transfer) ? transfer : transfer?.transfer);
  globalThis.addEventListener = (type, listener) => { if (type === "message") listeners.push(listener); };
  globalThis.onmessage = null;
  parentPort.on("message", (data) => {
    for (const listener of listeners) listener({ data });
    globalThis.onmessage?.({ data });
  });
}
`;

class ScriptThread implements Thread {
  onmessage: Thread["onmessage"] = null;
  onerror: Thread["onerror"] = null;
  readonly #worker: Worker;

  constructor(script: string) {
    this.#worker = new Worker(PRELUDE + script, { eval: true, workerData: ownedBy(OWNER) });
    this.#worker.on("message", (data: unknown) => this.onmessage?.({ data }));
    this.#worker.on("error", () => this.onerror?.());
    this.#worker.unref();
  }

  postMessage(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  terminate(): void {
    void this.#worker.terminate();
  }
}

export function startThread(script: string): Thread {
  return new ScriptThread(script);
}

/** The engine in a thread of its own. The process does not wait for it, but for what it is asked. */
export function startEngine(script: URL): WorkerLike {
  const owner = randomUUID();
  const worker = new Worker(script, { workerData: ownedBy(owner) });
  worker.unref();
  worker.on("exit", () => releaseLocks(owner));
  return {
    postMessage: (message) => worker.postMessage(message),
    addEventListener: (type, listener) => {
      if (type === "error") worker.on("error", ({ message }: Error) => listener(Object.assign(new Event(type), { message })));
      else worker.on(type, (data: unknown) => listener(new MessageEvent(type, { data })));
    },
    terminate: () => void worker.terminate(),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  };
}
