/** Web Locks as signs of life: the browser frees them when their holder ends in any way. */

/** Undefined where the browser has none, or none here. */
export function webLocks(): LockManager | undefined {
  return typeof navigator === "undefined" ? undefined : navigator.locks;
}

/** Holds a lock until the signal aborts, or this context ends. Resolves when it is held. */
export function holdLock(locks: LockManager, name: string, until: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    locks.request(name, () => new Promise<void>((release) => {
      if (until.aborted) release();
      until.addEventListener("abort", () => release(), { once: true });
      resolve();
    })).catch(reject);
  });
}

/** Calls `onFree` once nobody holds the lock, unless the signal aborts before. */
export function whenFree(locks: LockManager, name: string, until: AbortSignal, onFree: () => void): void {
  locks.request(name, { signal: until }, () => { if (!until.aborted) onFree(); }).catch(() => undefined); // aborted
}
