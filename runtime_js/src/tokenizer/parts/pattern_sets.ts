/** Sets of characters in Oniguruma's regular expressions, as JavaScript spells them inside of a class (flag v). */

/** What `[:name:]` and `\p{name}` hold, by Oniguruma's names, and what a letter behind a backslash does. */
const NAMED: Readonly<Record<string, string>> = {
  alnum: "\\p{Alphabetic}\\p{Nd}", alpha: "\\p{Alphabetic}", ascii: "\\x00-\\x7f", blank: "\\p{Zs}\\t", cntrl: "\\p{Cc}", digit: "\\p{Nd}",
  graph: "[^\\p{White_Space}\\p{Cc}\\p{Cn}\\p{Cs}]", lower: "\\p{Lowercase}", print: "[[^\\p{Cc}\\p{Cn}\\p{Cs}]--[\\u2028\\u2029]]",
  punct: "\\p{P}\\p{S}", space: "\\p{White_Space}", upper: "\\p{Uppercase}", word: "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}", xdigit: "0-9A-Fa-f",
};
const LETTERS: Readonly<Record<string, string>> = { s: "space", d: "digit", w: "word", h: "xdigit" };

function isProperty(name: string): boolean {
  try {
    new RegExp(`\\p{${name}}`, "u");
    return true;
  } catch {
    return false;
  }
}

function inverted(set: string, isInverted: boolean): string {
  return isInverted ? `[^${set}]` : set;
}

/** The set of a property, a script or a POSIX bracket's name. Raises Error for one that is not known. */
export function namedSet(name: string, isInverted: boolean): string {
  const isTurned = name.startsWith("^");
  const plain = isTurned ? name.slice(1) : name;
  const own = NAMED[plain.toLowerCase()];
  const found = own ?? [plain, `Script=${plain}`].filter(isProperty).map((known) => `\\p{${known}}`)[0];
  if (found === undefined) throw new Error(`an expression of the tokenizer has the property ${name}, which is not known`);
  return inverted(found, isTurned !== isInverted);
}

/** The set of `\s`, `\S`, ...; undefined for another letter. */
export function letterSet(letter: string): string | undefined {
  const name = LETTERS[letter.toLowerCase()];
  return name === undefined ? undefined : namedSet(name, letter !== letter.toLowerCase());
}

/** A character by its code, which has no meaning of its own. */
export function literal(character: string): string {
  return /[A-Za-z0-9]/.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Those that are the same but for their case. */
export function folded(character: string): readonly string[] {
  const others = /[sS]/.test(character) ? ["\u017f"] : /[kK]/.test(character) ? ["\u212a"] : [];
  const cases = [character, character.toLowerCase(), character.toUpperCase(), ...others];
  return [...new Set(cases)].filter((one) => [...one].length === 1);
}
