/** Counts what a load has done and reports it. */

import type { FileEntry } from "../storage/manifest.ts";
import type { InitPhase, InitProgressReport, LoadTimes } from "../api/types.ts";

/** Share of the bar that weights take; kernels take the rest. They run side by side. */
const WEIGHTS_SHARE = 0.9;

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

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

  constructor(report: (report: InitProgressReport) => void) {
    this.#report = report;
    this.#send("Reading the model's description");
  }

  weightsBegin(bytesTotal: number): void {
    this.#phase = "weights";
    this.#bytesTotal = bytesTotal;
  }

  received(file: FileEntry, bytes: number): void {
    this.#bytesDone += bytes - (this.#received.get(file.file) ?? 0);
    this.#received.set(file.file, bytes);
    this.#sendState();
  }

  compiled(done: number, total: number): void {
    this.#kernels = { done, total };
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
      this.#send(`Loading weights: ${megabytes(this.#bytesDone)} of ${megabytes(this.#bytesTotal)}`);
    } else {
      this.#phase = "kernels";
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
      ...(this.#warning !== undefined && { warning: this.#warning }),
      ...(isReady && { times: this.#times }),
    });
  }
}
