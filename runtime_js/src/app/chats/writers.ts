/** Who writes an answer holds a lock, by which other tabs know that it still comes. The browser frees the lock of a page that is gone. */

import { holdLock, webLocks, whenFree, type Locks } from "../../support/web_locks.ts";

const nameOf = (message: string): string => `webllm-build:answer:${message}`;

export class Writers {
  readonly #locks: Locks | undefined;

  constructor(locks: Locks | undefined = webLocks()) {
    this.#locks = locks;
  }

  /** Until what it gives is called, this page writes the message. */
  begin(message: string): () => void {
    const end = new AbortController();
    if (this.#locks !== undefined) holdLock(this.#locks, nameOf(message), end.signal).catch(() => undefined); // a frame that may not: as without locks
    return () => end.abort();
  }

  /** Calls `onLeft` when nobody writes the message any more; at once where there are no locks to tell. */
  whenLeft(message: string, onLeft: () => void): void {
    if (this.#locks === undefined) onLeft();
    else whenFree(this.#locks, nameOf(message), onLeft);
  }
}
