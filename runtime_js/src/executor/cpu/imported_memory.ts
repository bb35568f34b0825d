/** The memory that a library imports, in its bytes: the same module runs with threads and without, but for one bit. */

const IMPORTS = 2;
const [FUNCTION, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3];
const HAS_MAXIMUM = 1;
const IS_SHARED = 2;

/** Where the imported memory's limits begin, and the fewest pages it may have; undefined where the module imports none with a maximum. */
function findMemory(bytes: Uint8Array): { readonly flags: number; readonly pages: number } | undefined {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = number();
    const end = at + size;
    for (let count = id === IMPORTS ? number() : 0; count > 0 && at < end; count--) {
      for (const _ of ["module", "name"]) {
        const length = number();
        at += length;
      }
      const kind = bytes[at++];
      if (kind === FUNCTION) number();
      else if (kind === GLOBAL) at += 2;
      else if (kind === TABLE) {
        at++;
        if ((number() & HAS_MAXIMUM) !== 0) number();
        number();
      } else if (kind === MEMORY) {
        const flags = at++;
        const pages = number();
        return ((bytes[flags] ?? 0) & HAS_MAXIMUM) === 0 ? undefined : { flags, pages };
      } else return undefined;
    }
    at = end;
  }
  return undefined;
}

/**
 * Makes a module ask for memory that threads share, or for memory that they do not; in place. Returns the fewest pages that it asks for,
 * undefined where it imports no memory.
 */
export function askForMemory(bytes: Uint8Array, isShared: boolean): number | undefined {
  const found = findMemory(bytes);
  if (found !== undefined) bytes[found.flags] = isShared ? HAS_MAXIMUM | IS_SHARED : HAS_MAXIMUM;
  return found?.pages;
}
