/** What the model runs on, in words, and how fast it was there. */

import type { Computer } from "../executor/devices.ts";
import type { SafeStorage } from "./safe_storage.ts";

const KEY = "webllm-build:speed";

export function describeComputer({ device, vendor, threads }: Computer): string {
  if (device === "gpu") return vendor === "" ? "On your GPU" : `On your GPU (${vendor})`;
  return `On your CPU, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
}

function rounded(speed: number): string {
  return speed < 10 ? speed.toFixed(1) : String(Math.round(speed));
}

/** Remembers the speed of the latest answer on this device: what to expect of the next. */
export class Speeds {
  readonly #storage: SafeStorage;
  readonly #modelId: string;

  constructor(storage: SafeStorage, modelId: string) {
    [this.#storage, this.#modelId] = [storage, modelId];
  }

  /** speed: tokens a second. */
  note({ device, threads }: Computer, speed: number): void {
    this.#storage.set(this.#key(device, threads), rounded(speed));
  }

  /** The words for where it runs. A GPU is as fast as one hopes; of a CPU one should know. */
  describe(computer: Computer): string {
    const where = describeComputer(computer);
    if (computer.device === "gpu") return `${where}.`;
    const speed = Number(this.#storage.get(this.#key(computer.device, computer.threads)));
    return speed > 0 ? `${where}: about ${rounded(speed)} tokens a second.` : `${where}: slower than on a GPU.`;
  }

  #key(device: string, threads: number): string {
    return `${KEY}:${this.#modelId}:${device}:${threads}`;
  }
}
