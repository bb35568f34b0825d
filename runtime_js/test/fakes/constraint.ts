/** A constraint that is a list of choices for each place of the answer, and that checks how it is used. */

import type { Constraint } from "../../src/engine/constraint.ts";

export class FakeConstraint implements Constraint {
  readonly accepted: number[] = [];
  isDisposed = false;
  masks = 0;

  /** choices: by place, the tokens that may come; null for all. Behind the last place only `end` may come. */
  constructor(readonly choices: readonly (readonly number[] | null)[], readonly end: number) {}

  get isEnded(): boolean {
    return this.accepted.length > this.choices.length;
  }

  #allowed(): readonly number[] | null {
    if (this.isDisposed || this.isEnded) throw new Error("a constraint is used behind its end");
    const choice = this.choices[this.accepted.length];
    return choice === undefined ? [this.end] : choice;
  }

  mask(): Uint32Array | undefined {
    this.masks++;
    const allowed = this.#allowed();
    if (allowed === null) return undefined;
    const mask = new Uint32Array(8);
    for (const token of allowed) mask[token >> 5] = (mask[token >> 5] ?? 0) | (1 << (token & 31));
    return mask;
  }

  accept(token: number): void {
    if (this.#allowed()?.includes(token) === false) throw new Error(`token ${token} may not come at place ${this.accepted.length}`);
    this.accepted.push(token);
  }

  rollback(count: number): void {
    if (count > this.accepted.length) throw new Error("rolled back too far");
    this.accepted.length -= count;
  }

  forced(): readonly number[] {
    const tokens: number[] = [];
    for (const choice of this.choices.slice(this.accepted.length)) {
      const [token, another] = choice ?? [];
      if (token === undefined || another !== undefined) return tokens;
      tokens.push(token);
    }
    return tokens;
  }

  dispose(): void {
    if (this.isDisposed) throw new Error("disposed twice");
    this.isDisposed = true;
  }
}
