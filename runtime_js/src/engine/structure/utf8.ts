/** UTF-8 byte by byte: what of a text is behind a byte, whole characters or the beginning of one. */

/** Between two characters. The other states are numbers too: how far a character of several bytes has come. */
export const WHOLE = 0;
const [LAST_BYTE, TWO, THREE, AFTER_E0, AFTER_ED, AFTER_F0, AFTER_F4] = [1, 2, 3, 4, 5, 6, 7];
/** No text has such bytes. */
export const MALFORMED = 8;

const SECOND_BYTES = new Map([[AFTER_E0, [0xa0, 0xbf]], [AFTER_ED, [0x80, 0x9f]], [AFTER_F0, [0x90, 0xbf]], [AFTER_F4, [0x80, 0x8f]]]);
const FIRST_BYTES = new Map([[0xe0, AFTER_E0], [0xed, AFTER_ED], [0xf0, AFTER_F0], [0xf4, AFTER_F4]]);

function begun(byte: number): number {
  if (byte < 0x80) return WHOLE;
  if (byte < 0xc2 || byte > 0xf4) return MALFORMED;
  return FIRST_BYTES.get(byte) ?? (byte < 0xe0 ? LAST_BYTE : byte < 0xf0 ? TWO : THREE);
}

/** The state behind a byte. Behind malformed bytes a character begins again. */
export function behindByte(state: number, byte: number): number {
  if (state === WHOLE || state === MALFORMED) return begun(byte);
  const [low = 0x80, high = 0xbf] = SECOND_BYTES.get(state) ?? [];
  if (byte < low || byte > high) return MALFORMED;
  if (state === LAST_BYTE) return WHOLE;
  return state === TWO || state === AFTER_E0 || state === AFTER_ED ? LAST_BYTE : TWO;
}

/** The state behind a text's next bytes, MALFORMED where any of them is. */
export function behindBytes(state: number, bytes: Uint8Array): number {
  let at = state;
  for (const byte of bytes) {
    at = behindByte(at, byte);
    if (at === MALFORMED) break;
  }
  return at;
}
