/** Counts what a load has done and reports it. */

import type { FileEntry } from "../storage/manifest.ts";
import { formatBytes } from "../support/format.ts";

/** What loading does now: reads the description, moves weights to the GPU while kernels compile, or is done. */
export const INIT_PHASES = ["config", "weights", "kernels", "ready"] as const;
export type InitPhase = (typeof INIT_PHASES)[number];

/** The parts of a load, in seconds from its begin to the end of each. They run side by side. */
export interface LoadTimes {
  /** The adapter is chosen and the manifest is read. */
  readonly manifest: number;
  /** The device and its buffers are made. */
  readonly device: number;
  readonly tokenizer: number;
  readonly kernels: number;
  /** All weights are verified and on the GPU. */
  readonly weights: number;
}

export interface InitProgressReport {
  /** 0 to 1. */
  readonly progress: number;
  /** Seconds since the load began. */
  readonly timeElapsed: number;
  readonly text: string;
  readonly phase: InitPhase;
  /** Weight bytes that have come. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Set while nothing comes, with the reason: a pause between attempts, no network, another tab that downloads the same. */
  readonly waiting?: string | undefined;
  /** Set where the model runs but something the user may want to know is wrong, as storage that is full. */
  readonly warning?: string | undefined;
  /** Set when the phase is "ready". */
  readonly times?: LoadTimes | undefined;
}

export type InitProgressCallback = (report: InitProgressReport) => void;

/** Share of the bar that weights take; kernels take the rest. They run side by side. */
const WEIGHTS_SHARE = 0.9;

export class LoadProgress {
  readonly #started = performance.now();
  readonly #report: (report: InitProgressReport) => void;
  readonly #received = new Map<string, number>();
  readonly #times = { manifest: 0, device: 0, tokenizer: 0, kernels: 0, weights: 0 };
  #phase: InitPhase = "config";
  #bytesDone = 0;
  #bytesTotal = 0;
  #kernels = { done: 0, total: 0 };
  #warning: string | undefined;
  #waiting: string | undefined;

  constructor(report: (report: InitProgressReport) => void) {
    this.#report = report;
    this.#send("Reading the model's description");
  }

  weightsBegin(bytesTotal: number): void {
    this.#waiting = undefined;
    this.#phase = "weights";
    this.#bytesTotal = bytesTotal;
  }

  received(file: FileEntry, bytes: number): void {
    this.#waiting = undefined;
    this.#bytesDone += bytes - (this.#received.get(file.file) ?? 0);
    this.#received.set(file.file, bytes);
    this.#sendState();
  }

  /** Says why nothing comes, until something does. */
  waiting(reason: string): void {
    this.#waiting = reason;
    this.#send(reason);
  }

  compiled(done: number, total: number): void {
    this.#kernels = { done, total };
    if (done === total) this.#times.kernels = this.#elapsed;
    this.#sendState();
  }

  warn(warning: string | undefined): void {
    this.#warning = warning;
  }

  /** Notes when a part of the load is done. */
  async timed<T>(part: keyof LoadTimes, work: Promise<T>): Promise<T> {
    const result = await work;
    this.#times[part] = this.#elapsed;
    return result;
  }

  ready(text: string): void {
    this.#phase = "ready";
    this.#send(text);
  }

  get #elapsed(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #sendState(): void {
    if (this.#bytesDone < this.#bytesTotal) {
      this.#phase = "weights"; // again, where a file that was whole is spoilt
      this.#send(this.#waiting ?? `Loading weights: ${formatBytes(this.#bytesDone)} of ${formatBytes(this.#bytesTotal)}`);
    } else {
      this.#phase = "kernels";
      this.#waiting = undefined;
      this.#send(`Compiling GPU kernels: ${this.#kernels.done} of ${this.#kernels.total}`);
    }
  }

  #send(text: string): void {
    const { done, total } = this.#kernels;
    const isReady = this.#phase === "ready";
    const weights = this.#bytesTotal > 0 ? this.#bytesDone / this.#bytesTotal : 0;
    const kernels = total > 0 ? done / total : 0;
    this.#report({
      progress: isReady ? 1 : Math.min(0.999, WEIGHTS_SHARE * weights + (1 - WEIGHTS_SHARE) * kernels),
      timeElapsed: this.#elapsed,
      text,
      phase: this.#phase,
      bytesDone: Math.min(this.#bytesDone, this.#bytesTotal),
      bytesTotal: this.#bytesTotal,
      ...(this.#waiting !== undefined && !isReady && { waiting: this.#waiting }),
      ...(this.#warning !== undefined && { warning: this.#warning }),
      ...(isReady && { times: this.#times }),
    });
  }
}
