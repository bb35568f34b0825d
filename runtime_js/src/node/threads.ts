/** Threads outside of browsers: worker_threads, which Node, Deno and Bun have. */

import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { Thread } from "../support/platform.ts";
import { releaseLocks } from "./files.ts";
import { END, OWNER, ownedBy } from "./owner.ts";
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

/** After that an engine's thread that does not end by itself is ended. */
const END_MS = 2000;

/** Ends of the engines that are there. */
const engines = new Set<() => void>();
process.on("beforeExit", () => { for (const end of engines) end(); });

/**
 * The engine in a thread of its own. The process does not wait for it, but for what it is asked, and for its end: Deno crashes where it ends together
 * with a thread that has looked for a GPU, also with one that it has ended itself, and not behind one that has ended by itself.
 */
export function startEngine(script: URL): WorkerLike {
  const owner = randomUUID();
  const worker = new Worker(script, { workerData: ownedBy(owner) });
  worker.unref();
  const end = (): void => {
    worker.ref();
    worker.postMessage(END);
    setTimeout(() => void worker.terminate(), END_MS).unref(); // it may hear nothing
  };
  engines.add(end);
  worker.on("exit", () => {
    engines.delete(end);
    releaseLocks(owner);
  });
  return {
    postMessage: (message) => worker.postMessage(message),
    addEventListener: (type, listener) => {
      if (type === "error") worker.on("error", ({ message }: Error) => listener(Object.assign(new Event(type), { message })));
      else worker.on(type, (data: unknown) => listener(new MessageEvent(type, { data })));
    },
    terminate: end,
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  };
}
