/** What is between the quotes of a JSON string, byte by byte: where its characters begin. */

import { MALFORMED, WHOLE, behindByte } from "./utf8.ts";

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** Between two characters. Other states are how far a character of several bytes has come, or, above those, an escape. */
export const CLEAN = WHOLE;
const [ESCAPE, HEX, LAST_HEX] = [MALFORMED + 1, MALFORMED + 2, MALFORMED + 5];

/** The state behind a byte that does not close the string. A character begins with each byte that comes in the state CLEAN. */
export function behind(state: number, byte: number): number {
  if (state === CLEAN && byte === BACKSLASH) return ESCAPE;
  if (state === ESCAPE) return byte === LETTER_U ? HEX : CLEAN;
  if (state > ESCAPE) return state === LAST_HEX ? CLEAN : state + 1;
  return behindByte(state, byte);
}
