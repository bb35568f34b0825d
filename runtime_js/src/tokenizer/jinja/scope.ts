/** Variables by name: those of a block, behind them those around it. */

import { wrap, type Value } from "./values.ts";

export class Scope {
  readonly #variables = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  /** `hidden`: names of its own that have no value yet. */
  constructor(outer?: Scope, hidden: readonly string[] = []) {
    this.#outer = outer;
    for (const name of hidden) this.#variables.set(name, wrap(undefined));
  }

  get(name: string): Value {
    let scope: Scope | undefined = this;
    while (scope !== undefined) {
      const value: Value | undefined = scope.#variables.get(name);
      if (value !== undefined) return value;
      scope = scope.#outer;
    }
    return wrap(undefined);
  }

  set(name: string, value: Value): void {
    this.#variables.set(name, value);
  }
}
