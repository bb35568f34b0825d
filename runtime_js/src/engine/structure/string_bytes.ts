/** What is between the quotes of a JSON string, byte by byte: where its characters begin. */

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** Between two characters. The other states are numbers too: how far an escape or a character of several bytes has come. */
export const CLEAN = 0;
const [ESCAPE, HEX, LAST_HEX, LAST_BYTE, TWO, THREE, AFTER_E0, AFTER_ED, AFTER_F0, AFTER_F4] = [1, 2, 5, 6, 7, 8, 9, 10, 11, 12];
/** No text in UTF-8 has such bytes. */
export const MALFORMED = 13;

const SECOND_BYTES = new Map([[AFTER_E0, [0xa0, 0xbf]], [AFTER_ED, [0x80, 0x9f]], [AFTER_F0, [0x90, 0xbf]], [AFTER_F4, [0x80, 0x8f]]]);
const FIRST_BYTES = new Map([[0xe0, AFTER_E0], [0xed, AFTER_ED], [0xf0, AFTER_F0], [0xf4, AFTER_F4]]);

function begun(byte: number): number {
  if (byte === BACKSLASH) return ESCAPE;
  if (byte < 0x80) return CLEAN;
  if (byte < 0xc2 || byte > 0xf4) return MALFORMED;
  return FIRST_BYTES.get(byte) ?? (byte < 0xe0 ? LAST_BYTE : byte < 0xf0 ? TWO : THREE);
}

/** The state behind a byte that does not close the string. A character begins with each byte that comes in the state CLEAN. */
export function behind(state: number, byte: number): number {
  if (state === CLEAN || state === MALFORMED) return begun(byte);
  if (state === ESCAPE) return byte === LETTER_U ? HEX : CLEAN;
  if (state <= LAST_HEX) return state === LAST_HEX ? CLEAN : state + 1;
  const [low = 0x80, high = 0xbf] = SECOND_BYTES.get(state) ?? [];
  if (byte < low || byte > high) return MALFORMED;
  if (state === LAST_BYTE) return CLEAN;
  return state === TWO || state === AFTER_E0 || state === AFTER_ED ? LAST_BYTE : TWO;
}
