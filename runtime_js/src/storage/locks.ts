/** Tabs that need the same file share one download: Web Locks, which the browser frees when their holder ends in any way. */

import type { Wait } from "../support/waiting.ts";
import { childController } from "../support/abort.ts";
import { AbortError } from "../support/errors.ts";
import { owed } from "../support/patience.ts";
import { pause } from "./pause.ts";

export interface Waiting {
  readonly signal: AbortSignal;
  /** Called with the reason while nothing comes. */
  readonly onWait?: ((reason: Wait) => void) | undefined;
}

/** A tab that the system has put to sleep keeps its locks: without any progress of its download another goes on after this time. */
const PATIENCE_MS = 120_000;

/** Aborts `asleep` once `progress` gives the same for too long. */
async function watch(progress: () => Promise<unknown>, stop: AbortSignal, asleep: AbortController): Promise<void> {
  for (let last = await progress(); ;) {
    await pause(PATIENCE_MS, stop);
    const now = await progress();
    if (now === last) return asleep.abort();
    last = now;
  }
}

/**
 * Does `work` while no other tab holds the lock; where the browser gives no locks, at once. progress: tells how far the holder is.
 * Raises what `work` does, or AbortError.
 */
export async function runExclusive<T>(
  name: string, { signal, onWait }: Waiting, progress: () => Promise<unknown>, work: () => Promise<T>,
): Promise<T> {
  if (typeof navigator === "undefined" || navigator.locks === undefined) return work();
  const asleep = childController(signal), settled = new AbortController();
  let result: { readonly promise: Promise<T> } | undefined;
  const hold = async (lock: Lock | null): Promise<void> => {
    if (lock === null || settled.signal.aborted) return;
    settled.abort();
    result = { promise: work() };
    await result.promise.catch(() => undefined); // the caller hears of it
  };
  const { locks } = navigator;
  try {
    await owed("a lock", new Promise<void>((resolve, reject) => {
      locks.request(name, { ifAvailable: true }, (lock) => {
        resolve();
        return hold(lock);
      }).catch(reject);
    }));
    if (result === undefined) {
      onWait?.({ kind: "otherTab", text: "Waiting for another tab, which downloads the same model" });
      watch(progress, settled.signal, asleep).catch(() => undefined);
      await locks.request(name, { signal: asleep.signal }, hold);
    }
  } catch {
    // The wait was ended. Or there are no locks: pages without storage of their own, as some frames, have none.
  }
  settled.abort();
  if (signal.aborted && result === undefined) throw new AbortError("The download was stopped.");
  return result?.promise ?? work();
}
