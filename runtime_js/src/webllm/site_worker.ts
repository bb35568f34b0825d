/** The worker of a page in which an engine for all pages of a site may be. */

import { sharedWorkerName } from "../support/group_name.ts";
import type { WorkerLike } from "../transport/worker_like.ts";

/** The script of a package's workers. */
export interface PackagedWorker {
  /** Names what the script is: engines of another one share nothing with it. */
  readonly build: string;
  /** Starts a worker of that name. */
  start(name: string): WorkerLike;
}

let packaged: PackagedWorker | undefined;

export function setPackagedWorker(worker: PackagedWorker): void {
  packaged = worker;
}

/** What starts a worker whose engine is that of all such workers, whatever each page loads there; undefined where the entry of the package has no worker. */
export function siteWorker(): (() => WorkerLike) | undefined {
  const worker = packaged;
  return worker && (() => worker.start(sharedWorkerName(JSON.stringify([worker.build]))));
}
