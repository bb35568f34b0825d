/** Which tokens of a vocabulary may come in a string of JSON that has room for so many characters. */

import { behind, CLEAN, MALFORMED, QUOTE } from "./string_bytes.ts";

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

/** By what there is room for: a bit for each token that goes on with the string, and for each that goes on or closes it. */
interface Masks {
  readonly open: readonly Uint32Array[];
  readonly any: readonly Uint32Array[];
}

export class TokenLengths {
  readonly #tokens: readonly Uint8Array[];
  readonly #inside = new Map<number, Masks>();
  #outside: Uint32Array | undefined;

  constructor(tokens: readonly Uint8Array[]) {
    this.#tokens = tokens;
  }

  #empty(): Uint32Array {
    return new Uint32Array(Math.ceil(this.#tokens.length / 32));
  }

  /** A bit for each token that may come where no string is open. */
  outside(): Uint32Array {
    if (this.#outside !== undefined) return this.#outside;
    const mask = this.#outside = this.#empty();
    this.#tokens.forEach((bytes, token) => { if (opensLast(bytes, 0)) add(mask, token); });
    return mask;
  }

  /** A bit for each token that may come in the state of a string that has room for more characters, and may end or not. */
  inside(state: number, room: number, mayEnd: boolean): Uint32Array {
    let masks = this.#inside.get(state);
    if (masks === undefined) this.#inside.set(state, masks = this.#masksIn(state));
    const size = ROOMS.findLastIndex((most) => most <= room);
    return (mayEnd ? masks.any : masks.open)[size] ?? this.#empty();
  }

  #masksIn(first: number): Masks {
    const [open, any] = [ROOMS.map(() => this.#empty()), ROOMS.map(() => this.#empty())];
    for (let token = 0; token < this.#tokens.length; token++) {
      const bytes = this.#tokens[token] ?? new Uint8Array();
      let state = first;
      let count = 0;
      let at = 0;
      for (; at < bytes.length && state !== MALFORMED; at++) {
        const byte = bytes[at] ?? 0;
        if (state === CLEAN && byte === QUOTE) break;
        if (state === CLEAN) count++;
        state = behind(state, byte);
      }
      if (state === MALFORMED || !opensLast(bytes, at + 1)) continue;
      for (let size = ROOMS.length - 1; size >= 0 && count <= (ROOMS[size] ?? 0); size--) {
        add(any[size], token);
        if (at === bytes.length) add(open[size], token);
      }
    }
    return { open, any };
  }
}

function add(mask: Uint32Array | undefined, token: number): void {
  if (mask !== undefined) mask[token >> 5] = (mask[token >> 5] ?? 0) | (1 << (token & 31));
}
