/**
 * Whether answers under a grammar come to an end. Text that can be no other is taken as a whole, so that a grammar which leads to a text without
 * end, or to a very long one, would take all memory.
 */

/** Characters that the shortest text of a grammar's part may have. */
const MAX_SHORTEST = 1 << 20;

/** Says so. */
export function tooLong(what: string, length: number): string {
  return length === Infinity ? `${what} never comes to an end` : `${what} has at least ${length} characters, and ${MAX_SHORTEST} are the most`;
}

/** A part of a rule: so many characters at least, another rule, choices, parts one behind the other, or one so often at least. */
type Part = number | { readonly rule: string } | { readonly choices: readonly Part[] } | { readonly parts: readonly Part[] } | { readonly times: number; readonly part: Part };

const WORDS = /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\(=|[()|*+?]|\{\d+(?:, ?\d*)?\}|[\w.-]+/g;
/** Free text, up to what stops it; the rules that it leads to are looked at by themselves. */
const FREE = "TagDispatch";

class Reader {
  readonly #words: readonly string[];
  #at = 0;

  constructor(body: string) {
    this.#words = body.match(WORDS) ?? [];
  }

  choices(): Part {
    const choices = [this.#sequence()];
    while (this.#words[this.#at] === "|") {
      this.#at++;
      choices.push(this.#sequence());
    }
    return { choices };
  }

  #sequence(): Part {
    const parts: Part[] = [];
    for (let word = this.#words[this.#at]; word !== undefined && word !== "|" && word !== ")"; word = this.#words[this.#at]) {
      this.#at++;
      const part = this.#part(word);
      parts.push(this.#repeated(part));
    }
    return { parts };
  }

  #part(word: string): Part {
    if (word.startsWith("\"")) return word.length - 2;
    if (word.startsWith("[")) return 1;
    if (!word.startsWith("(")) return { rule: word };
    const inner = this.choices();
    this.#at++; // what closes it
    return word === "(" ? inner : 0; // what only looks ahead takes nothing
  }

  #repeated(part: Part): Part {
    const word = this.#words[this.#at] ?? "";
    const least = word === "+" ? 1 : /^[*?]$/.test(word) ? 0 : Number(/^\{(\d+)/.exec(word)?.[1] ?? NaN);
    if (Number.isNaN(least)) return part;
    this.#at++;
    return { times: least, part };
  }
}

function rulesOf(grammar: string): Map<string, Part> {
  const rules = new Map<string, Part>();
  for (const rule of grammar.split(/\n(?=[\w.-]+ ::= )/)) {
    const [, name = "", body = ""] = /^([\w.-]+) ::= (.*)$/s.exec(rule) ?? [];
    if (name !== "") rules.set(name, body.startsWith(FREE) ? 0 : new Reader(body).choices());
  }
  return rules;
}

function namesIn(part: Part): string[] {
  if (typeof part === "number") return [];
  if ("rule" in part) return [part.rule];
  if ("part" in part) return namesIn(part.part);
  return ("choices" in part ? part.choices : part.parts).flatMap(namesIn);
}

type LengthOf = (rule: string) => number;

function shortest(part: Part, of: LengthOf): number {
  if (typeof part === "number") return part;
  if ("rule" in part) return of(part.rule);
  if ("choices" in part) return Math.min(...part.choices.map((choice) => shortest(choice, of)));
  if ("parts" in part) return part.parts.reduce<number>((sum, one) => sum + shortest(one, of), 0);
  return part.times === 0 ? 0 : part.times * shortest(part.part, of);
}

/** Of all that may be chosen in a part, what is longest where it is as short as it may be. */
function longestChoice(part: Part, of: LengthOf): number {
  if (typeof part === "number" || "rule" in part) return shortest(part, of);
  const inner = "part" in part ? [part.part] : "choices" in part ? part.choices : part.parts;
  return inner.reduce<number>((most, one) => Math.max(most, longestChoice(one, of)), shortest(part, of));
}

/**
 * The rules in which something may be chosen whose shortest text is longer than MAX_SHORTEST, and how long that is: Infinity where it has no end.
 * grammar: EBNF, each rule in a line of its own, as xgrammar prints it or this engine writes it.
 */
export function tooLongRules(grammar: string): Map<string, number> {
  const rules = rulesOf(grammar);
  const users = new Map<string, string[]>();
  for (const name of rules.keys()) users.set(name, []);
  for (const [name, part] of rules) for (const used of namesIn(part)) users.get(used)?.push(name);
  const lengths = new Map<string, number>();
  const of = (rule: string): number => (rules.has(rule) ? lengths.get(rule) ?? Infinity : 0);
  const open = new Set([...rules.keys()].reverse());
  for (const name of open) { // what is added again comes again
    open.delete(name);
    const [before, now] = [of(name), shortest(rules.get(name) ?? 0, of)];
    if (!(now < before)) continue;
    lengths.set(name, now);
    if (now <= before / 2) for (const user of users.get(name) ?? []) open.add(user); // so often that this ends soon
  }
  return new Map([...rules].map(([name, part]): [string, number] => [name, longestChoice(part, of)]).filter(([, length]) => length > MAX_SHORTEST));
}
