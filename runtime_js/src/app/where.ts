/** What the model runs on, in words, and how fast it was there. */

import type { Computer } from "../executor/devices.ts";
import type { SafeStorage } from "./safe_storage.ts";
import { fill } from "./words/fill.ts";
import { formatNumber, formatPlural } from "./words/format.ts";
import { WORDS } from "./words/words.ts";

const KEY = "webllm-build:speed";

/** Remembers the speed of the latest answer on this device: what to expect of the next. */
export class Speeds {
  readonly #storage: SafeStorage;
  readonly #modelId: string;

  constructor(storage: SafeStorage, modelId: string) {
    [this.#storage, this.#modelId] = [storage, modelId];
  }

  /** speed: tokens a second. */
  note({ device, threads }: Computer, speed: number): void {
    this.#storage.set(this.#key(device, threads), speed.toFixed(1));
  }

  /** The words for where it runs, and how fast: as the latest answer was, or else as the model lets expect. A GPU is as fast as one hopes. */
  describe(computer: Computer): string {
    const words = WORDS.computer;
    const { device, vendor, threads, tokensPerSecond } = computer;
    if (device === "gpu") return vendor === "" ? words.gpu : fill(words.gpuOf, { vendor });
    const where = formatPlural(words.cpu, threads);
    const speed = Number(this.#storage.get(this.#key(device, threads)) ?? tokensPerSecond);
    return speed > 0 ? fill(words.speed, { where, speed: formatNumber(speed, speed < 10 ? 1 : 0) }) : fill(words.slower, { where });
  }

  #key(device: string, threads: number): string {
    return `${KEY}:${this.#modelId}:${device}:${threads}`;
  }
}
