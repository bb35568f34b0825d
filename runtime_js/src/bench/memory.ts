/** Counts the bytes of GPU buffers by watching them being made and destroyed. */

import type { MemoryReport } from "./report.ts";

interface Owned {
  readonly device: GPUDevice;
  readonly label: string;
  readonly size: number;
}

export class MemoryWatch {
  readonly #buffers = new Map<GPUBuffer, Owned>();
  #bytes = 0;
  #peak = 0;

  /** Sees all buffers of devices that are asked for from now on. */
  watch(): void {
    const requestDevice = GPUAdapter.prototype.requestDevice;
    const own = (device: GPUDevice): GPUDevice => this.#own(device);
    GPUAdapter.prototype.requestDevice = async function watched(descriptor) {
      return own(await requestDevice.call(this, descriptor));
    };
  }

  #own(device: GPUDevice): GPUDevice {
    const createBuffer = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        this.#forget(buffer);
        destroy();
      };
      this.#buffers.set(buffer, { device, label: buffer.label, size: buffer.size });
      this.#bytes += buffer.size;
      this.#peak = Math.max(this.#peak, this.#bytes);
      return buffer;
    };
    const destroy = device.destroy.bind(device);
    device.destroy = () => {
      for (const [buffer, owned] of this.#buffers) if (owned.device === device) this.#forget(buffer);
      destroy();
    };
    return device;
  }

  #forget(buffer: GPUBuffer): void {
    this.#bytes -= this.#buffers.get(buffer)?.size ?? 0;
    this.#buffers.delete(buffer);
  }

  /** By the labels that the executor gives its buffers: `weights 0`, `state kv0` and so on. */
  report(): MemoryReport {
    const sum = (labels: RegExp): number =>
      [...this.#buffers.values()].reduce((bytes, { label, size }) => bytes + (labels.test(label) ? size : 0), 0);
    const [weights, kv] = [sum(/^weights \d+$/), sum(/^state /)];
    return { weights, kv, rest: this.#bytes - weights - kv, peak: this.#peak };
  }
}
