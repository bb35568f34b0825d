/** Counts the characters of strings as an answer comes, and leaves out of masks what is too long or too short. */

import type { Bounds } from "./lengths.ts";
import { behind, CLEAN, QUOTE } from "./string_bytes.ts";
import type { TokenLengths } from "./token_lengths.ts";
import { MALFORMED } from "./utf8.ts";

/** What a matcher says of the place where it is. */
interface Marks {
  takesMark(number: number): boolean;
  isFree(): boolean;
}

/** Where an answer is. */
interface Place {
  readonly isInString: boolean;
  /** Undefined in a string that may have any length. */
  readonly bounds: Bounds | undefined;
  /** Characters of the string that have begun, and how far the last one has come. */
  readonly count: number;
  readonly state: number;
}

const OUTSIDE: Place = { isInString: false, bounds: undefined, count: 0, state: CLEAN };

/** Where bytes lead; undefined where the string that is open must not end, or go on. Whose bounds hold in a new one is not known yet. */
function follow({ isInString, bounds, count, state }: Place, bytes: Uint8Array): Place | undefined {
  for (const byte of bytes) {
    if (!isInString) {
      if (byte === QUOTE) [isInString, bounds, count, state] = [true, undefined, 0, CLEAN];
    } else if (byte === QUOTE && state === CLEAN) {
      if (bounds !== undefined && count < bounds.least) return undefined;
      isInString = false;
      bounds = undefined;
    } else {
      if (state === CLEAN || state === MALFORMED) count++;
      state = behind(state, byte);
      if (bounds !== undefined && count > bounds.most) return undefined;
    }
  }
  return { isInString, bounds, count, state };
}

/** A string whose first character has not begun. */
function isJustOpen({ isInString, bounds, count }: Place): boolean {
  return isInString && bounds === undefined && count === 0;
}

export class LengthTracker {
  readonly #marks: Marks;
  readonly #tokens: readonly Uint8Array[];
  readonly #lengths: TokenLengths;
  readonly #bounds: readonly Bounds[];
  /** Behind each token. */
  readonly #places: Place[] = [OUTSIDE];

  constructor(tokens: readonly Uint8Array[], lengths: TokenLengths, bounds: readonly Bounds[], marks: Marks) {
    [this.#tokens, this.#lengths, this.#bounds, this.#marks] = [tokens, lengths, bounds, marks];
  }

  get #place(): Place {
    return this.#places.at(-1) ?? OUTSIDE;
  }

  /** Whether nothing may come but the quote that closes a string. */
  get isFull(): boolean {
    const { bounds, count, state } = this.#place;
    return bounds !== undefined && state === CLEAN && count === bounds.most;
  }

  /** Goes on behind a token that the matcher has accepted. Returns whether lengths allow it; it stays where it was where they do not. */
  accept(token: number): boolean {
    const next = follow(this.#place, this.#tokens[token] ?? new Uint8Array());
    if (next === undefined) return false;
    const bounds = isJustOpen(next) ? this.#boundsHere() : next.bounds;
    const isText = next.isInString && bounds === undefined && this.#marks.isFree(); // what looks like a string is a quote in a text
    this.#places.push(isText || !next.isInString ? OUTSIDE : { ...next, bounds });
    return true;
  }

  /** Whether the last of these bytes opens a string: no token goes on beyond it. */
  opensWith(bytes: Uint8Array): boolean {
    const next = follow(this.#place, bytes);
    return next !== undefined && bytes.at(-1) === QUOTE && isJustOpen(next);
  }

  /** Those of the string that has just begun; where it may be one of several, what they have in common. */
  #boundsHere(): Bounds | undefined {
    const here = this.#marks.isFree() ? [] : this.#bounds.filter((_, number) => this.#marks.takesMark(number));
    if (here.length === 0) return undefined;
    return { least: Math.max(...here.map(({ least }) => least)), most: Math.min(...here.map(({ most }) => most)) };
  }

  rollback(count: number): void {
    this.#places.splice(this.#places.length - count);
  }

  /** Takes out of a mask what lengths do not allow. */
  narrow(mask: Uint32Array): void {
    const { isInString, bounds, count, state } = this.#place;
    const { least, most } = bounds ?? { least: 0, most: Infinity };
    if (isInString) this.#lengths.narrowInside(mask, state, most - count, count >= least);
    else this.#lengths.narrowOutside(mask);
  }
}
