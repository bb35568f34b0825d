/**
 * Classes of characters in xgrammar's EBNF. Its classes are exact for ASCII. Of other characters, a negated class takes all, well formed or
 * not, and any other class takes bytes: ranges of characters are spelled as ranges of the bytes of UTF-8.
 */

/** From one code point to another, both included. */
export type Range = readonly [number, number];

export const LAST = 0x10ffff;
const ASCII = 0x7f;

function escaped(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

function span([from, to]: Range): string {
  return from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`;
}

/** All but these, which may overlap. */
export function negated(ranges: readonly Range[]): Range[] {
  const gaps: Range[] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted(([a], [b]) => a - b)) {
    if (low > from) gaps.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  return from <= LAST ? [...gaps, [from, LAST]] : gaps;
}

export function common(a: readonly Range[], b: readonly Range[]): Range[] {
  return a.flatMap(([from, to]) => b.flatMap(([low, high]): Range[] => (Math.max(from, low) <= Math.min(to, high) ? [[Math.max(from, low), Math.min(to, high)]] : [])));
}

/** What UTF-8 writes; no text has the first of all. */
export const WELL_FORMED: readonly Range[] = [[1, 0xd7ff], [0xe000, LAST]];
/** Characters that a JSON string has as they are; C1's controls are left out. */
export const PLAIN: readonly Range[] = [[0x20, 0x21], [0x23, 0x5b], [0x5d, 0x7e], [0xa0, 0xd7ff], [0xe000, LAST]];
const BEYOND_ASCII = PLAIN.filter(([from]) => from > ASCII);
/** The same as one class, which may repeat at no cost. */
export const PLAIN_CLASS = String.raw`[^\u0000-\u001f\u0022\u005c\u007f]`;

/** One of these characters, of which there is at least one. */
export function oneOf(ranges: readonly Range[]): string {
  const beyond = common(ranges, [[ASCII + 1, LAST]]);
  const ascii = common(ranges, [[0, ASCII]]);
  if (BEYOND_ASCII.every((all) => common(beyond, [all]).some(([from, to]) => from === all[0] && to === all[1]))) {
    return `[^${common(negated(ranges), [[0, ASCII]]).map(span).join("")}]`;
  }
  const choices = [...(ascii.length > 0 ? [`[${ascii.map(span).join("")}]`] : []), ...beyond.flatMap(bytesOf)];
  return choices.length === 1 ? choices.join("") : `(${choices.join(" | ")})`;
}

/** The bytes of the characters of a range beyond ASCII, as sequences of classes. */
function bytesOf([from, to]: Range): string[] {
  for (const end of [0x7ff, 0xffff]) if (from <= end && to > end) return [...bytesOf([from, end]), ...bytesOf([end + 1, to])];
  const [low, high] = [encoded(from), encoded(to)];
  for (let i = low.length - 1; i > 0; i--) { // split until only the last bytes are ranges, or whole
    const mask = 2 ** (6 * i) - 1;
    if (Math.floor(from / (mask + 1)) === Math.floor(to / (mask + 1))) continue;
    if ((from & mask) !== 0) return [...bytesOf([from, from | mask]), ...bytesOf([(from | mask) + 1, to])];
    if ((to & mask) !== mask) return [...bytesOf([from, (to & ~mask) - 1]), ...bytesOf([to & ~mask, to])];
  }
  return [low.map((byte, i) => byteClass(byte, high[i] ?? byte)).join(" ")];
}

/** A class of one byte would be taken for the character of that number, so it has the byte twice. */
function byteClass(low: number, high: number): string {
  return low === high ? `[${escaped(low)}${escaped(low)}]` : `[${span([low, high])}]`;
}

function encoded(code: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(code))];
}

/** A character as it is, well formed: for lengths, which count those that a reader sees. */
export const PLAIN_CHARACTER = `([\\u0020-\\u0021\\u0023-\\u005b\\u005d-\\u007e] | ${BEYOND_ASCII.flatMap(bytesOf).join(" | ")})`;
