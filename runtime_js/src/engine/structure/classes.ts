/** Classes of characters in a caller's grammar. xgrammar takes those beyond ASCII for bytes; here they become the bytes of UTF-8. */

import { common, negated, oneOf, WELL_FORMED, type Range } from "./characters.ts";
import { refuseHalves } from "./ebnf.ts";

/** What a text or a comment, in which brackets are none, may be, and a class. */
const WORDS = /"(?:[^"\\\n]|\\.)*"|#[^\n]*|\[(?:[^\]\\]|\\.)*\]/gsu;
const MEMBER = /\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)|([^\\])/suy;
/** With its code, where that has four digits. */
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|.)/gsu;
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, b: 8, a: 7, e: 27, 0: 0 };

/** The characters of a class; undefined where it is none. */
function membersOf(body: string): readonly Range[] | undefined {
  const codes: { readonly code: number; readonly isDash: boolean }[] = [];
  for (MEMBER.lastIndex = 0; MEMBER.lastIndex < body.length;) {
    const match = MEMBER.exec(body);
    if (match === null) return undefined;
    const [, x, u, long, escaped, plain] = match;
    const hex = x ?? u ?? long;
    const control = escaped !== undefined && Object.hasOwn(CONTROLS, escaped) ? CONTROLS[escaped] : undefined;
    codes.push({ code: hex !== undefined ? Number.parseInt(hex, 16) : control ?? (escaped ?? plain ?? "").codePointAt(0) ?? 0, isDash: plain === "-" });
  }
  const ranges: Range[] = [];
  for (let i = 0; i < codes.length; i++) {
    const { code = 0 } = codes[i] ?? {};
    const end = codes[i + 1]?.isDash === true ? codes[i + 2]?.code : undefined;
    if (end !== undefined && end < code) return undefined;
    ranges.push([code, end ?? code]);
    if (end !== undefined) i += 2;
  }
  return ranges;
}

function exact(word: string): string {
  const isNegated = word[1] === "^";
  const ranges = membersOf(word.slice(isNegated ? 2 : 1, -1));
  if (ranges === undefined || ranges.every(([, to]) => to < 0x80)) return word; // those of ASCII are exact
  const characters = common(WELL_FORMED, isNegated ? negated(ranges) : ranges);
  if (characters.length === 0) throw new SyntaxError(`the class ${word} has no characters`);
  return `(${oneOf(characters)})`;
}

/** A text, whose escapes stand for a character each. */
function whole(word: string): string {
  for (const [, code] of word.matchAll(ESCAPE)) refuseHalves(String.fromCharCode(Number.parseInt(code ?? "0", 16)));
  return word;
}

/** The grammar with its classes written out. Raises SyntaxError where no text has what it names. */
export function exactClasses(grammar: string): string {
  refuseHalves(grammar);
  return grammar.replace(WORDS, (word) => (word.startsWith("[") ? exact(word) : word.startsWith('"') ? whole(word) : word));
}
