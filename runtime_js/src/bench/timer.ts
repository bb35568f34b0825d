/** GPU time of work that is repeated until it is long enough to measure. */

import { makeStopwatch, type Stopwatch } from "../executor/stopwatch.ts";

const ENOUGH_MS = 20;
const MAX_REPEATS = 1000;

export class GpuTimer {
  readonly #stopwatch: Stopwatch;

  /** The device must have the feature `timestamp-query`. */
  constructor(device: GPUDevice) {
    this.#stopwatch = makeStopwatch(device);
  }

  /** Microseconds that the work which `record` records takes, after it has run once unmeasured. */
  async measure(record: (pass: GPUComputePassEncoder) => void): Promise<number> {
    const first = await this.#stopwatch.time(record);
    const repeats = Math.min(MAX_REPEATS, Math.ceil(ENOUGH_MS / Math.max(first, 0.001)));
    const time = await this.#stopwatch.time((pass) => {
      for (let i = 0; i < repeats; i++) record(pass);
    });
    return 1000 * time / repeats;
  }
}
