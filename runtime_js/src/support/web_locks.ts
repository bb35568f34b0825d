/** Web Locks as signs of life: the browser frees them when their holder ends in any way. */

/** Of a LockManager, what is asked of it. */
export interface Locks {
  request(name: string, callback: LockGrantedCallback<unknown>): Promise<unknown>;
  request(name: string, options: LockOptions, callback: LockGrantedCallback<unknown>): Promise<unknown>;
}

/** Undefined where the browser has none, or none here. */
export function webLocks(): Locks | undefined {
  return typeof navigator === "undefined" ? undefined : navigator.locks;
}

/** Holds a lock until this context ends, or the signal aborts. Resolves when it is held. */
export function holdLock(locks: Locks, name: string, until?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    locks.request(name, () => new Promise<void>((release) => {
      if (until?.aborted === true) release();
      until?.addEventListener("abort", () => release(), { once: true });
      resolve();
    })).catch(reject);
  });
}

/** Calls `onFree` once nobody holds the lock, unless the signal aborts before. */
export function whenFree(locks: Locks, name: string, onFree: () => void, until?: AbortSignal): void {
  locks.request(name, until === undefined ? {} : { signal: until }, () => { if (until?.aborted !== true) onFree(); }).catch(() => undefined); // aborted
}
