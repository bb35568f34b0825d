/** How many rows steps may have: kernels are compiled when they are first wanted, while steps of fewer rows go on. */

import type { ModelRunner } from "../executor/runner.ts";
import { rowsComputed } from "./rows.ts";

export class PreparedRows {
  /** Those that there are kernels for, rising. */
  counts: readonly number[] = [1];
  readonly #runner: ModelRunner;
  readonly #refused = new Set<number>();
  #isPreparing = false;

  constructor(runner: ModelRunner) {
    this.#runner = runner;
  }

  get most(): number {
    return Math.max(...this.counts);
  }

  /** Has kernels compiled for the first of these that has none. `onRefused`: they did not compile. */
  prepare(wanted: readonly number[], onRefused: () => void): void {
    const rows = wanted.map((count) => rowsComputed(this.#runner.shape.rowCounts, count))
      .find((count) => count !== Infinity && !this.counts.includes(count) && !this.#refused.has(count));
    if (this.#isPreparing || rows === undefined) return;
    this.#isPreparing = true;
    const done = (): void => { this.counts = [...this.counts, rows].sort((a, b) => a - b); };
    const failed = (): void => {
      this.#refused.add(rows);
      onRefused();
    };
    void this.#runner.prepare(rows).then(done, failed).finally(() => { this.#isPreparing = false; });
  }
}
