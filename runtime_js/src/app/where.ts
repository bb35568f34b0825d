/** What the model runs on, in words, and how fast it was there. */

import { describeComputer, type Computer } from "../executor/devices.ts";
import type { SafeStorage } from "./safe_storage.ts";

const KEY = "webllm-build:speed";

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

  /** The words for where it runs, and how fast: as the latest answer was, or else as the model lets expect. A GPU is as fast as one hopes. */
  describe(computer: Computer): string {
    const where = `On your ${describeComputer(computer)}`;
    if (computer.device === "gpu") return `${where}.`;
    const speed = Number(this.#storage.get(this.#key(computer.device, computer.threads)) ?? computer.tokensPerSecond);
    return speed > 0 ? `${where}: about ${rounded(speed)} tokens a second.` : `${where}: slower than on a GPU.`;
  }

  #key(device: string, threads: number): string {
    return `${KEY}:${this.#modelId}:${device}:${threads}`;
  }
}
