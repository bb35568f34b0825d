/** Which tokens of a vocabulary may come in a string of JSON that has room for so many characters. */

import { addToken, noTokens } from "../token_set.ts";
import { behind, CLEAN, QUOTE } from "./string_bytes.ts";
import { MALFORMED } from "./utf8.ts";

/**
 * Tokens are told apart only so far: a mask that stays as it is from token to token lets steps go ahead. Where a string has room for 20 more
 * characters, tokens of more than 16 do not come.
 */
const ROOMS = [0, 1, 4, 16, 64, Infinity];

/** Whether a string begins in a token only with its last byte: whose it is, is known there. */
function opensLast(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length - 1; at++) if (bytes[at] === QUOTE) return false;
  return true;
}

/** Where there is room for `most` characters: the tokens that go on with the string, and those that go on or close it. */
interface Fitting {
  readonly most: number;
  readonly open: Uint32Array;
  readonly any: Uint32Array;
}

/** A token that no string may have. */
const NEVER = -1;

export class TokenLengths {
  readonly #tokens: readonly Uint8Array[];
  /** Made once, when a grammar is first compiled that counts. */
  #inside: readonly Fitting[] = [];
  #outside: Uint32Array | undefined;

  constructor(tokens: readonly Uint8Array[]) {
    this.#tokens = tokens;
  }

  #empty(): Uint32Array {
    return noTokens(this.#tokens.length);
  }

  /** Looks at every token, which takes some time. */
  prepare(): void {
    if (this.#outside !== undefined) return;
    const outside = this.#outside = this.#empty();
    this.#tokens.forEach((bytes, token) => { if (opensLast(bytes, 0)) addToken(outside, token); });
    this.#inside = this.#fitting();
  }

  /** Leaves those in a mask that may come where no string is open. */
  narrowOutside(mask: Uint32Array): void {
    and(mask, this.#outside ?? this.#empty());
  }

  /** Leaves those in a mask that may come in the state of a string that has room for more characters, and may end or not. */
  narrowInside(mask: Uint32Array, state: number, room: number, mayEnd: boolean): void {
    const fitting = this.#inside.findLast(({ most }) => most <= room);
    if (state !== CLEAN) return this.#narrowWithin(mask, state, fitting?.most ?? 0, mayEnd);
    and(mask, fitting?.[mayEnd ? "any" : "open"] ?? this.#empty());
  }

  /** Within a character the grammar has left few. */
  #narrowWithin(mask: Uint32Array, state: number, most: number, mayEnd: boolean): void {
    for (let i = 0; i < mask.length; i++) {
      const word = mask[i] ?? 0;
      for (let bit = 0; word >>> bit !== 0 && bit < 32; bit++) {
        if ((word >>> bit & 1) === 0) continue;
        const token = 32 * i + bit;
        const count = this.#reach(token, state);
        if (count === NEVER || count > most || (!mayEnd && this.#closes(token, state))) mask[i] = (mask[i] ?? 0) & ~(1 << bit);
      }
    }
  }

  #fitting(): Fitting[] {
    const sizes = ROOMS.map((most): Fitting => ({ most, open: this.#empty(), any: this.#empty() }));
    for (let token = 0; token < this.#tokens.length; token++) {
      const count = this.#reach(token, CLEAN);
      if (count === NEVER) continue;
      const isOpen = !this.#closes(token, CLEAN);
      for (const { most, open, any } of sizes) {
        if (count > most) continue;
        addToken(any, token);
        if (isOpen) addToken(open, token);
      }
    }
    return sizes;
  }

  /** How many characters of the string begin in a token. */
  #reach(token: number, first: number): number {
    const bytes = this.#tokens[token] ?? new Uint8Array();
    let state = first;
    let count = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (state === CLEAN && byte === QUOTE) return opensLast(bytes, at + 1) ? count : NEVER;
      if (state === CLEAN) count++;
      state = behind(state, byte);
      if (state === MALFORMED) return NEVER;
    }
    return count;
  }

  #closes(token: number, first: number): boolean {
    let state = first;
    for (const byte of this.#tokens[token] ?? []) {
      if (state === CLEAN && byte === QUOTE) return true;
      state = behind(state, byte);
    }
    return false;
  }
}

function and(mask: Uint32Array, fit: Uint32Array): void {
  for (let i = 0; i < mask.length; i++) mask[i] = (mask[i] ?? 0) & (fit[i] ?? 0);
}
