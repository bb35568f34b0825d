/**
 * How long strings may be is counted beside the grammar, whose masks would otherwise be slow: there a string may be as long as it likes, and behind
 * its opening quote a mark may come instead, by which the matcher tells whose bounds hold. Marks are tokens that no model has.
 */

import { literal } from "./ebnf.ts";

/** Characters that a string has, at least and at most. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** No string of JSON has this byte as it is. Tokens of the vocabulary that have it never come. */
export const MARK = 0x01;
const FIRST = 0x30;
const MOST_MARKS = 64;

/** The marks of bounds by their number, and behind them one that no grammar has: it may come in free text alone. */
export const MARKS: readonly Uint8Array[] = Array.from({ length: MOST_MARKS + 1 }, (_, i) => Uint8Array.of(MARK, FIRST + i));

function areSame(a: Bounds, b: Bounds): boolean {
  return a.least === b.least && a.most === b.most;
}

export class Lengths {
  readonly #bounds: Bounds[] = [];
  readonly #left: readonly Bounds[];
  /** Whether it may be open which of several schemas a string belongs to. */
  hasChoices = false;

  /** left: bounds that the grammar counts itself. */
  constructor(left: readonly Bounds[] = []) {
    this.#left = left;
  }

  get bounds(): readonly Bounds[] {
    return this.#bounds;
  }

  /** Bounds of strings that could be one and the same, and have no length in common: counting cannot tell what the grammar goes on with. */
  get ambiguous(): readonly Bounds[] {
    if (!this.hasChoices) return [];
    return this.#bounds.filter((a) => this.#bounds.some((b) => a.least > b.most || b.least > a.most));
  }

  /** The grammar of a string with these bounds; `rest`: of any number of characters, and the closing quote. Undefined where the grammar counts. */
  string(rest: string, least: number, most: number): string | undefined {
    const bounds = { least, most };
    const known = this.#bounds.findIndex((other) => areSame(other, bounds));
    if (this.#left.some((other) => areSame(other, bounds)) || (known < 0 && this.#bounds.length === MOST_MARKS)) return undefined;
    const number = known < 0 ? this.#bounds.push(bounds) - 1 : known;
    return `"\\"" (${literal(String.fromCodePoint(MARK, FIRST + number))} | ${rest})`;
  }
}

/** What a grammar is made of, with lengths counted beside it where that is exact. */
export function withLengths<T>(make: (lengths: Lengths) => T): { readonly made: T; readonly bounds: readonly Bounds[] } {
  const lengths = new Lengths();
  const made = make(lengths);
  const { ambiguous } = lengths;
  if (ambiguous.length === 0) return { made, bounds: lengths.bounds };
  const others = new Lengths(ambiguous);
  return { made: make(others), bounds: others.bounds };
}
