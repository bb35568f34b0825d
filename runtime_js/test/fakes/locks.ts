/** Web Locks for contexts that are played in this thread, each of which can end. */

interface Request {
  readonly owner: string;
  readonly name: string;
  /** Called with the lock, or null where it was not to be waited for. */
  readonly give: (lock: Lock | null) => unknown;
  readonly settle: (held: unknown) => void;
  readonly fail: (error: unknown) => void;
}

function isOptions(value: LockOptions | LockGrantedCallback<unknown>): value is LockOptions {
  return typeof value === "object";
}

/** As much of a LockManager as is played here. */
export interface FakeLockManager {
  request(name: string, options: LockOptions | LockGrantedCallback<unknown>, callback?: LockGrantedCallback<unknown>): Promise<unknown>;
}

export class FakeLocks {
  #held: Request[] = [];
  #waiting: Request[] = [];
  readonly #ended = new Set<string>();

  /** The locks as one of the contexts has them. */
  of(owner: string): FakeLockManager {
    return {
      request: (name, given, last) => new Promise((settle, fail) => {
        if (this.#ended.has(owner)) return;
        const [options, callback] = isOptions(given) ? [given, last] : [{}, given];
        const request: Request = { owner, name, give: (lock) => callback?.(lock), settle, fail };
        const { ifAvailable = false, steal = false, signal } = options;
        const isFree = !this.#held.some((one) => one.name === name);
        if (steal) this.#steal(name);
        if (isFree || steal) this.#grant(request);
        else if (ifAvailable) setTimeout(() => settle(request.give(null)), 0);
        else {
          this.#waiting.push(request);
          signal?.addEventListener("abort", () => {
            this.#waiting = this.#waiting.filter((one) => one !== request);
            fail(signal.reason);
          });
        }
      }),
    };
  }

  /** A context ends: nothing of it is called any more. */
  kill(owner: string): void {
    this.#ended.add(owner);
    this.#waiting = this.#waiting.filter((one) => one.owner !== owner);
    for (const one of this.#held.filter((held) => held.owner === owner)) this.#free(one);
  }

  #grant(request: Request): void {
    this.#held.push(request);
    setTimeout(() => {
      if (!this.#held.includes(request)) return; // its context has ended, or it was stolen
      Promise.resolve(request.give({ name: request.name, mode: "exclusive" })).then((value) => {
        if (this.#free(request)) request.settle(value);
      }, request.fail);
    }, 0);
  }

  #steal(name: string): void {
    const stolen = this.#held.filter((one) => one.name === name);
    this.#held = this.#held.filter((one) => one.name !== name);
    for (const one of stolen) one.fail(new DOMException("The lock was stolen.", "AbortError"));
  }

  #free(request: Request): boolean {
    if (!this.#held.includes(request)) return false;
    this.#held = this.#held.filter((one) => one !== request);
    const next = this.#waiting.find(({ name }) => name === request.name);
    if (next === undefined) return true;
    this.#waiting = this.#waiting.filter((one) => one !== next);
    this.#grant(next);
    return true;
  }
}
