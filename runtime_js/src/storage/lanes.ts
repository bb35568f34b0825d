/** How many shards are downloaded at a time: few where the network is slow, so that each is whole before a connection breaks. */

import { inLine } from "../support/abort.ts";
import { AbortError } from "../support/errors.ts";
import { SHARD_BYTES } from "../support/limits.generated.ts";

/** Until the network's speed is known. */
const FIRST = 2;
const SAMPLE_MS = 500;
/** Bytes a second that are enough for one more lane: a shard takes it two minutes. */
const LANE_RATE = SHARD_BYTES / 120;

export class Lanes {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #allowed: number;
  #busy = 0;
  #bytes = 0;
  #since: number;

  constructor(most: number, now = performance.now()) {
    this.#most = most;
    this.#allowed = Math.min(FIRST, most);
    this.#since = now;
  }

  /** Downloads when there is a lane for it. `download` reports how many bytes it has. Raises what it does, or AbortError. */
  async run<T>(signal: AbortSignal, download: (onBytes: (bytes: number) => void) => Promise<T>): Promise<T> {
    await this.#enter(signal);
    let last = 0;
    try {
      return await download((bytes) => {
        this.received(Math.max(bytes - last, 0));
        last = bytes;
      });
    } finally {
      this.#busy--;
      this.#admit();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (this.#busy < this.#allowed) {
      this.#busy++;
    } else {
      await inLine(this.#waiting, signal, () => new AbortError("The download was stopped."));
    }
  }

  /** Counts bytes that came. */
  received(bytes: number, now = performance.now()): void {
    this.#bytes += bytes;
    const elapsed = now - this.#since;
    if (elapsed < SAMPLE_MS) return;
    const rate = (1000 * this.#bytes) / elapsed;
    this.#allowed = Math.min(Math.max(Math.floor(rate / LANE_RATE), 1), this.#most);
    this.#bytes = 0;
    this.#since = now;
    this.#admit();
  }

  #admit(): void {
    while (this.#busy < this.#allowed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#busy++;
      next();
    }
  }
}
