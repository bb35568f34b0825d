/** Counts what a load has done and reports it. */

import type { FileEntry } from "./storage/manifest.ts";
import type { InitPhase, InitProgressReport } from "./types.ts";

/** Share of the bar that weights take; kernels take the rest. They run side by side. */
const WEIGHTS_SHARE = 0.9;

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export class LoadProgress {
  readonly #started = performance.now();
  readonly #report: (report: InitProgressReport) => void;
  readonly #received = new Map<string, number>();
  #phase: InitPhase = "config";
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

  ready(text: string): void {
    this.#phase = "ready";
    this.#send(text);
  }

  get #bytesDone(): number {
    return [...this.#received.values()].reduce((sum, bytes) => sum + bytes, 0);
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
    const weights = this.#bytesTotal > 0 ? this.#bytesDone / this.#bytesTotal : 0;
    const kernels = total > 0 ? done / total : 0;
    this.#report({
      progress: this.#phase === "ready" ? 1 : Math.min(0.999, WEIGHTS_SHARE * weights + (1 - WEIGHTS_SHARE) * kernels),
      timeElapsed: (performance.now() - this.#started) / 1000,
      text,
      phase: this.#phase,
      bytesDone: Math.min(this.#bytesDone, this.#bytesTotal),
      bytesTotal: this.#bytesTotal,
      ...(this.#warning !== undefined && { warning: this.#warning }),
    });
  }
}
