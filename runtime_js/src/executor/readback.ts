/** Brings single words to the CPU late: a ring of staging buffers, made once. */

import type { DeviceWatch } from "./device.ts";
import { BufferUsage, MapMode } from "./gpu_flags.ts";

export class Readback {
  readonly #watch: DeviceWatch;
  readonly #staging: GPUBuffer;

  constructor(device: GPUDevice, watch: DeviceWatch) {
    this.#watch = watch;
    this.#staging = device.createBuffer({ label: "readback", size: 4, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
  }

  get isFree(): boolean {
    return this.#staging.mapState === "unmapped";
  }

  /** Records the copy of the word at byte `offset` of `source`. */
  copy(encoder: GPUCommandEncoder, source: GPUBuffer, offset: number): void {
    encoder.copyBufferToBuffer(source, offset, this.#staging, 0, 4);
  }

  /** The word, once the copy, submitted before, is done. */
  async read(): Promise<number> {
    await this.#watch.guard(this.#staging.mapAsync(MapMode.READ));
    const word = new Int32Array(this.#staging.getMappedRange())[0] ?? 0;
    this.#staging.unmap();
    return word;
  }
}

export class ReadbackRing {
  readonly #slots: readonly Readback[];
  #next = 0;

  /** At most `slots` reads may be under way. */
  constructor(device: GPUDevice, watch: DeviceWatch, slots: number) {
    this.#slots = Array.from({ length: slots }, () => new Readback(device, watch));
  }

  take(): Readback {
    const slot = this.#slots[this.#next];
    if (slot === undefined || !slot.isFree) throw new RangeError("every readback slot is in use");
    this.#next = (this.#next + 1) % this.#slots.length;
    return slot;
  }
}
