/** A worker from the text of its script: no file of its own, the same in browsers and outside of them. */

import { platform, type Thread } from "./platform.ts";
import { scriptUrl } from "./script_url.ts";

const urls = new Map<string, string>();

function urlOf(script: string): string {
  const url = urls.get(script) ?? URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  urls.set(script, url);
  return url;
}

class WorkerThread implements Thread {
  onmessage: Thread["onmessage"] = null;
  onerror: Thread["onerror"] = null;
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = (event) => this.onmessage?.(event);
    worker.onerror = () => this.onerror?.();
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

/**
 * Starts a classic script, which listens by `globalThis.addEventListener("message", ...)` and answers by `globalThis.postMessage`. Null where
 * no worker may be started, as in a service worker; a browser may also say nothing at all.
 */
export function startThread<Reply>(script: string): Thread<Reply> | null {
  const host = platform();
  return host !== undefined ? host.startThread(script) : startWorker(() => new Worker(scriptUrl(urlOf(script))));
}

/** The same of a worker that `start` makes, in a browser. */
export function startWorker<Reply>(start: () => Worker): Thread<Reply> | null {
  if (typeof Worker === "undefined") return null;
  try {
    return new WorkerThread(start());
  } catch {
    return null; // the page's content security policy forbids it
  }
}

/** Whether threads may share memory: in a browser where headers isolate the page. */
export function mayShare(): boolean {
  return typeof SharedArrayBuffer !== "undefined" && (platform() !== undefined || globalThis.crossOriginIsolated === true);
}

/** Threads that run at a time on this machine; 1 where a browser does not tell. */
export function threadCount(): number {
  return platform()?.threadCount ?? (typeof navigator === "undefined" ? 1 : navigator.hardwareConcurrency || 1);
}

/**
 * In Firefox, as of 153, a worker that starts another one stands still for ever, once in some fifty times on a busy machine, and nobody is told.
 * (A page may start workers there.)
 */
export function mayStandStill(): boolean {
  return !("document" in globalThis) && typeof navigator !== "undefined" && /Firefox/.test(navigator.userAgent);
}
