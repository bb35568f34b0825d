/** How fast a download goes, and how long it still takes. */

export interface Estimate {
  readonly bytesPerSecond: number;
  readonly secondsLeft: number;
}

const WINDOW_MS = 8000;
const FIRST_ESTIMATE_MS = 1000;

/** Looks at the last seconds only, so that a network that changes its speed is followed and bursts even out. */
export class Rate {
  readonly #samples: { readonly time: number; readonly bytes: number }[] = [];

  /** Add a sample and estimate; undefined while too little is known. time: milliseconds. */
  sample(time: number, bytes: number, total: number): Estimate | undefined {
    this.#samples.push({ time, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.time ?? time) < time - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || time - first.time < FIRST_ESTIMATE_MS || bytes <= first.bytes) return undefined;
    const bytesPerSecond = ((bytes - first.bytes) / (time - first.time)) * 1000;
    return { bytesPerSecond, secondsLeft: (total - bytes) / bytesPerSecond };
  }
}
