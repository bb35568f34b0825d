/** Memory for shards: so many are held at a time, in the same few buffers. */

import { abortError, inLine } from "../support/abort.ts";

export class HeldBuffers {
  readonly #free: (ArrayBuffer | undefined)[];
  readonly #waiting: ((buffer: ArrayBuffer | undefined) => void)[] = [];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, () => undefined);
  }

  /** A buffer, or leave to make one; when one is free. Rejects once the signal is aborted. */
  async take(signal: AbortSignal): Promise<ArrayBuffer | undefined> {
    if (this.#free.length > 0) return this.#free.pop();
    return inLine(this.#waiting, signal, () => abortError(signal, "The download was stopped."));
  }

  /** Gives back what was taken, or what took its place. */
  give(buffer: ArrayBuffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }

  /** Lets go of those that are given back: what computes in WebAssembly gives a collector no reason to run. */
  free(): void {
    for (const buffer of this.#free.splice(0)) buffer?.transfer?.(0); // not before Chrome 114 and Node 21
  }
}
