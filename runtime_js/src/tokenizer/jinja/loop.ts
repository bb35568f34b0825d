/** A loop's items as its turns come to them, and what a turn knows of its loop. */

import { functionOf, isEqual, tupleOf, wrap, type Value } from "./values.ts";

/** A condition is asked about an item no sooner than somebody wants to know: what it names may change from turn to turn. */
export class Turns {
  /** The turn that is under way, from 0. */
  at = 0;
  /** What `loop.changed` was last given. */
  seen: Value | undefined;
  readonly #all: readonly Value[];
  readonly #condition: ((item: Value) => boolean) | undefined;
  readonly #chosen: Value[] = [];
  /** Of all, the first that the condition was not asked about. */
  #next = 0;

  constructor(all: readonly Value[], readonly depth: number, condition: ((item: Value) => boolean) | undefined) {
    this.#all = all;
    this.#condition = condition;
  }

  /** Whether there is a turn of this number. */
  has(turn: number): boolean {
    if (this.#condition === undefined) return turn < this.#all.length;
    while (this.#chosen.length <= turn && this.#next < this.#all.length) {
      const item = this.#all[this.#next++] ?? wrap(undefined);
      if (this.#condition(item)) this.#chosen.push(item);
    }
    return turn < this.#chosen.length;
  }

  item(turn: number): Value {
    const items = this.#condition === undefined ? this.#all : this.#chosen;
    return (this.has(turn) ? items[turn] : undefined) ?? wrap(undefined);
  }

  get length(): number {
    if (this.#condition === undefined) return this.#all.length;
    this.has(this.#all.length);
    return this.#chosen.length;
  }
}

const FIELDS: Readonly<Record<string, (turns: Turns, at: number) => Value>> = {
  index: (_, at) => wrap(at + 1), index0: (_, at) => wrap(at),
  revindex: ({ length }, at) => wrap(length - at), revindex0: ({ length }, at) => wrap(length - at - 1),
  first: (_, at) => wrap(at === 0), last: (turns, at) => wrap(!turns.has(at + 1)), length: ({ length }) => wrap(length),
  previtem: (turns, at) => (at > 0 ? turns.item(at - 1) : wrap(undefined)), nextitem: (turns, at) => turns.item(at + 1),
  depth: ({ depth }) => wrap(depth), depth0: ({ depth }) => wrap(depth - 1),
  changed: (turns) => functionOf(({ given }) => {
    const now = tupleOf(given);
    const before = turns.seen;
    turns.seen = now;
    return wrap(before === undefined || !isEqual(before, now));
  }),
  cycle: (_, at) => functionOf(({ given }) => given[at % given.length] ?? wrap(undefined)),
};

/** `loop`: what a template asks for is computed when it does. */
export class LoopFields extends Map<string, Value> {
  readonly #turns: Turns;

  constructor(turns: Turns) {
    super();
    this.#turns = turns;
  }

  override get(name: string): Value | undefined {
    return Object.hasOwn(FIELDS, name) ? FIELDS[name]?.(this.#turns, this.#turns.at) : undefined;
  }
}
