/** How long a constraint takes. */

import { elapsed } from "../support/elapsed.ts";
import type { Constraint } from "./constraint.ts";

/** In milliseconds. */
export interface GrammarTimes {
  /** Until it was compiled. */
  readonly compile: number;
  /** For all of its masks together. */
  readonly masks: number;
}

export class TimedConstraint implements Constraint {
  readonly #inner: Constraint;
  readonly times: { compile: number; masks: number };

  private constructor(inner: Constraint, compile: number) {
    this.#inner = inner;
    this.times = { compile, masks: 0 };
  }

  static async of(compiling: Promise<Constraint>): Promise<TimedConstraint> {
    const begin = performance.now();
    return new TimedConstraint(await compiling, elapsed(begin));
  }

  mask(): Uint32Array | undefined {
    const begin = performance.now();
    const mask = this.#inner.mask();
    this.times.masks += elapsed(begin);
    return mask;
  }

  accept(token: number): void {
    this.#inner.accept(token);
  }

  rollback(count: number): void {
    this.#inner.rollback(count);
  }

  forced(): readonly number[] {
    return this.#inner.forced();
  }

  get isEnded(): boolean {
    return this.#inner.isEnded;
  }

  dispose(): void {
    this.#inner.dispose();
  }
}
