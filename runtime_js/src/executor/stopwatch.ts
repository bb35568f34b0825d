/** Times work on the GPU: by timestamps where the device has them, else by the clock. */

import { BufferUsage, MapMode } from "./gpu_flags.ts";

export interface Stopwatch {
  /** Work as long as this, in milliseconds, is long beside the errors of one measurement. */
  readonly enough: number;
  /** Milliseconds of one compute pass. */
  time(record: (pass: GPUComputePassEncoder) => void): Promise<number>;
  destroy(): void;
}

export function makeStopwatch(device: GPUDevice): Stopwatch {
  return device.features.has("timestamp-query") ? new TimestampStopwatch(device) : new ClockStopwatch(device);
}

const TIMESTAMPS_BYTES = 2 * 8;

class TimestampStopwatch implements Stopwatch {
  readonly enough = 5; // browsers round timestamps to 0.1 ms
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  constructor(device: GPUDevice) {
    const size = TIMESTAMPS_BYTES;
    this.#device = device;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 });
    this.#resolved = device.createBuffer({ size, usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC });
    this.#staging = device.createBuffer({ size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
  }

  async time(record: (pass: GPUComputePassEncoder) => void): Promise<number> {
    const encoder = this.#device.createCommandEncoder();
    const timestampWrites = { querySet: this.#queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    record(pass);
    pass.end();
    encoder.resolveQuerySet(this.#queries, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, TIMESTAMPS_BYTES);
    this.#device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(MapMode.READ);
    const [begin = 0n, end = 0n] = new BigUint64Array(this.#staging.getMappedRange());
    this.#staging.unmap();
    return Number(end - begin) / 1e6;
  }

  destroy(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

class ClockStopwatch implements Stopwatch {
  readonly enough = 20; // the way to the GPU and back takes some tenths, and clocks are coarse too
  readonly #device: GPUDevice;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  async time(record: (pass: GPUComputePassEncoder) => void): Promise<number> {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    record(pass);
    pass.end();
    const begin = performance.now();
    this.#device.queue.submit([encoder.finish()]);
    await this.#device.queue.onSubmittedWorkDone();
    return performance.now() - begin;
  }

  destroy(): void {}
}
