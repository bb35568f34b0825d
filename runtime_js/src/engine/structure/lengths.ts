/**
 * How long strings may be is counted beside the grammar, whose masks would otherwise be slow: there a string has any length, and behind its
 * opening quote a mark may come instead, by which the matcher tells whose bounds hold. Marks are tokens that no model has.
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

export class Lengths {
  readonly #bounds: Bounds[] = [];
  /** Whether it may be open which of several schemas a string belongs to. */
  hasChoices = false;

  get bounds(): readonly Bounds[] {
    return this.#bounds;
  }

  /** Whether strings that could be one and the same have no length in common, so that counting cannot tell what the grammar goes on with. */
  get isAmbiguous(): boolean {
    return this.hasChoices && this.#bounds.some(({ least }) => this.#bounds.some(({ most }) => least > most));
  }

  /** The grammar of a string with these bounds; `rest`: of any number of characters, and the closing quote. Undefined where there are too many bounds. */
  string(rest: string, least: number, most: number): string | undefined {
    const known = this.#bounds.findIndex((bounds) => bounds.least === least && bounds.most === most);
    if (known < 0 && this.#bounds.length === MOST_MARKS) return undefined;
    const number = known < 0 ? this.#bounds.push({ least, most }) - 1 : known;
    return `"\\"" (${literal(String.fromCodePoint(MARK, FIRST + number))} | ${rest})`;
  }
}

/** What a grammar is made of, with lengths counted beside it where that is exact. */
export function withLengths<T>(make: (lengths: Lengths | undefined) => T): { readonly made: T; readonly bounds: readonly Bounds[] } {
  const lengths = new Lengths();
  const made = make(lengths);
  return lengths.isAmbiguous ? { made: make(undefined), bounds: [] } : { made, bounds: lengths.bounds };
}
