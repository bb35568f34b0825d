/** Brings a few words to the CPU late: a ring of staging buffers, made once. */

import type { DeviceWatch } from "./device.ts";
import { BufferUsage, MapMode } from "./gpu_flags.ts";

export class Readback {
  readonly #watch: DeviceWatch;
  readonly #staging: GPUBuffer;
  #words = 0;

  constructor(device: GPUDevice, watch: DeviceWatch, words: number) {
    this.#watch = watch;
    this.#staging = device.createBuffer({ label: "readback", size: 4 * words, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
  }

  get isFree(): boolean {
    return this.#staging.mapState === "unmapped";
  }

  /** Records the copy of `words` int32 at byte `offset` of `source`, behind what was copied since the last read. */
  copy(encoder: GPUCommandEncoder, source: GPUBuffer, offset: number, words: number): void {
    encoder.copyBufferToBuffer(source, offset, this.#staging, 4 * this.#words, 4 * words);
    this.#words += words;
  }

  /** The words, once the copy, submitted before, is done. */
  async read(): Promise<Int32Array<ArrayBuffer>> {
    await this.#watch.guard(this.#staging.mapAsync(MapMode.READ));
    const words = new Int32Array(this.#staging.getMappedRange()).slice(0, this.#words);
    this.#staging.unmap();
    this.#words = 0;
    return words;
  }

  destroy(): void {
    this.#staging.destroy();
  }
}

export class ReadbackRing {
  readonly #slots: readonly Readback[];
  #next = 0;

  /** At most `slots` reads, of at most `words` int32 each, may be under way. */
  constructor(device: GPUDevice, watch: DeviceWatch, slots: number, words: number) {
    this.#slots = Array.from({ length: slots }, () => new Readback(device, watch, words));
  }

  take(): Readback {
    const slot = this.#slots[this.#next];
    if (slot === undefined || !slot.isFree) throw new RangeError("every readback slot is in use");
    this.#next = (this.#next + 1) % this.#slots.length;
    return slot;
  }
}

/** Lets `change` change so many float32 of a buffer, in their place. Makes a buffer. */
export async function changeFloats(
  device: GPUDevice, watch: DeviceWatch, buffer: GPUBuffer, offset: number, count: number, change: (floats: Float32Array) => void,
): Promise<void> {
  const readback = new Readback(device, watch, count);
  try {
    const encoder = device.createCommandEncoder();
    readback.copy(encoder, buffer, offset, count);
    device.queue.submit([encoder.finish()]);
    const floats = new Float32Array((await readback.read()).buffer);
    change(floats);
    device.queue.writeBuffer(buffer, offset, floats);
  } finally {
    readback.destroy();
  }
}
