/** One request at a time, in the order in which they came. */

import { AbortError } from "../support/errors.ts";

interface Waiting {
  readonly enter: () => void;
  readonly refuse: (error: unknown) => void;
}

export class RequestQueue {
  readonly #waiting: Waiting[] = [];
  #busy = false;

  /** Waits for its turn; call what it returns when done. Raises AbortError where the signal comes first. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw new AbortError("The request was aborted before it began.");
    if (this.#busy) await this.#turn(signal);
    this.#busy = true;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#busy = false;
      this.#waiting.shift()?.enter();
    };
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new AbortError("The request was aborted before it began."));
      };
      const waiting = {
        enter: (): void => {
          signal?.removeEventListener("abort", abort);
          this.#busy = true; // before anybody else asks
          resolve();
        },
        refuse: reject,
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** Refuses all that wait; whoever is inside stays. */
  refuseWaiting(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(error);
  }
}
