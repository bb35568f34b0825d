/** Ends a text before the first stop string in it. Text that may be the start of one is held back until that is known. */

export interface Scanned {
  /** Text that can be given out. */
  readonly text: string;
  readonly stopped: boolean;
}

export class StopScanner {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(text: string): Scanned {
    const pending = this.#held + text;
    const found = this.#stops.map((stop) => pending.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#held = "";
      return { text: pending.slice(0, Math.min(...found)), stopped: true };
    }
    const hold = Math.max(0, ...this.#stops.map((stop) => overlap(pending, stop)));
    this.#held = pending.slice(pending.length - hold);
    return { text: pending.slice(0, pending.length - hold), stopped: false };
  }

  /** What is still held back, when no more text comes. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** Length of the longest end of `text` that is a beginning of `stop`, but not all of it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
