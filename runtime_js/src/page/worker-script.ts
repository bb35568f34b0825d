/**
 * The script of a page's worker, fetched once and started from memory. A worker from a blob is bound by the page's own policy, which one
 * from the network is not; and a newer build of the site cannot take the script away from a page that is open.
 */

import { DownloadError, ProtocolError } from "../support/errors.ts";
import { inTime } from "../support/patience.ts";
import { scriptUrl } from "../support/script_url.ts";

const PROBE_MS = 5000;
/** A script is a hundred kilobytes. */
const PATIENCE_MS = 60_000;

/** Starts a worker of that name. */
type StartWorker = (name: string) => Worker;

export class WorkerScript {
  readonly #url: string;
  #start: Promise<StartWorker> | undefined;

  /** url: of a module that needs no other file. */
  constructor(url: string) {
    this.#url = url;
    this.load().catch(() => undefined); // whoever starts a worker tries again, and is told
  }

  /** What starts a worker. Rejects with DownloadError where the script cannot be fetched, with ProtocolError where the site has another by now. */
  load(): Promise<StartWorker> {
    this.#start ??= prepare(this.#url).catch((error: unknown) => {
      this.#start = undefined;
      throw error;
    });
    return this.#start;
  }
}

/** A connection that gives nothing is given up. */
async function fetchScript(url: string): Promise<Blob> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, { signal: late.signal });
    if (!response.ok) throw new ProtocolError(`The script ${url} is not there (HTTP ${response.status}): the site was updated.`);
    return await response.blob();
  } catch (error) {
    throw error instanceof ProtocolError ? error : new DownloadError(`The script ${url} could not be fetched.`, { url }, error);
  } finally {
    clearTimeout(timer);
  }
}

async function prepare(url: string): Promise<StartWorker> {
  const blob = URL.createObjectURL(new Blob([await fetchScript(url)], { type: "text/javascript" }));
  const address = (await mayStartBlobs()) ? blob : url;
  return (name) => new Worker(scriptUrl(address), { type: "module", name });
}

/** Whether a worker may come from memory. A server's own policy can forbid it, and each browser says so in another way, or not at all. */
async function mayStartBlobs(): Promise<boolean> {
  const address = URL.createObjectURL(new Blob(["postMessage(0)"], { type: "text/javascript" }));
  let worker: Worker | undefined;
  try {
    worker = new Worker(scriptUrl(address), { type: "module" });
    const answer = new Promise<boolean>((resolve) => {
      worker?.addEventListener("message", () => resolve(true));
      worker?.addEventListener("error", () => resolve(false));
    });
    return await inTime(answer, PROBE_MS) ?? false;
  } catch {
    return false;
  } finally {
    worker?.terminate();
    URL.revokeObjectURL(address);
  }
}
