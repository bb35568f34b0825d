/** Letters that a regular expression takes for one another, with the flag "i" and, by other rules, with "iu": as RegExp itself does. */

import type { Range } from "./characters.ts";

export type CaselessFlags = "i" | "iu";

/** Scripts whose letters have two cases end before. */
const END = 0x1f000;
const groups = new Map<CaselessFlags, ReadonlyMap<number, readonly number[]>>();

/** Of each character that is taken for others, these and itself. */
function groupsOf(flags: CaselessFlags): ReadonlyMap<number, readonly number[]> {
  const known = groups.get(flags);
  if (known !== undefined) return known;
  const alike = new Map<string, number[]>();
  for (let code = 0; code < END; code++) {
    const character = String.fromCodePoint(code);
    const key = character.toUpperCase().toLowerCase();
    if (character.toLowerCase() === character && character.toUpperCase() === character) continue;
    for (const one of new Set([key, character.toLowerCase(), character])) alike.set(one, [...alike.get(one) ?? [], code]);
  }
  const found = new Map<number, readonly number[]>();
  for (const codes of alike.values()) {
    for (const code of codes) {
      const same = codes.filter((other) => isSame(code, other, flags));
      if (same.length > (found.get(code)?.length ?? 1)) found.set(code, same);
    }
  }
  groups.set(flags, found);
  return found;
}

function isSame(code: number, other: number, flags: CaselessFlags): boolean {
  return code === other || new RegExp(`^${String.fromCodePoint(code)}$`, flags).test(String.fromCodePoint(other));
}

/** The same characters, and all that are taken for one of them. */
export function caseless(ranges: readonly Range[], flags: CaselessFlags): Range[] {
  const all = groupsOf(flags);
  const [first] = ranges;
  const isOne = ranges.length === 1 && first !== undefined && first[0] === first[1];
  const more = isOne ? all.get(first[0]) ?? [] : [...all].filter(([code]) => ranges.some(([from, to]) => from <= code && code <= to)).flatMap(([, same]) => same);
  return [...ranges, ...more.filter((code) => !ranges.some(([from, to]) => from <= code && code <= to)).map((code): Range => [code, code])];
}
