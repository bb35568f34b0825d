/** Pieces of grammars in the EBNF that xgrammar reads. */

import { PLAIN_CHARACTER, PLAIN_CLASS } from "./characters.ts";

/** Characters of a grammar: each of its rules is matched against the whole vocabulary. */
export const MAX_GRAMMAR = 1 << 19;

function escaped(code: number): string {
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Raises SyntaxError where there is half of a character: no text has one. */
export function refuseHalves(text: string): void {
  if (/\p{Cs}/u.test(text)) throw new SyntaxError("it has half of a character, a surrogate without the other");
}

/** Text that stands for itself. Raises SyntaxError. */
export function literal(text: string): string {
  refuseHalves(text);
  const body = [...text].map((character) => (/[\w .,:;/*+=(){}<>@!?'-]/.test(character) ? character : escaped(character.codePointAt(0) ?? 0)));
  return `"${body.join("")}"`;
}

export function anyOf(choices: readonly string[]): string {
  const [first = '""', ...others] = [...new Set(choices)];
  return others.length === 0 ? first : `(${[first, ...others].join(" | ")})`;
}

export function repeated(piece: string, least: number, most: number): string {
  if (most === 0) return '""';
  if (least === 1 && most === 1) return piece;
  if (least === 0 && most === 1) return `(${piece})?`;
  if (most === Infinity) return least === 0 ? `(${piece})*` : least === 1 ? `(${piece})+` : `(${piece}){${least},}`;
  return `(${piece}){${least},${most}}`;
}

/** `least` to `most` of a piece, with a separator between them. */
export function separated(piece: string, separator: string, least: number, most: number): string {
  if (most === 0) return '""';
  const all = `${piece} ${repeated(`${separator} ${piece}`, Math.max(0, least - 1), most - 1)}`;
  return least === 0 ? `(${all})?` : all;
}

/** JSON as Python's json.dumps writes it: on one line, where much can be jumped over, and no blanks can follow blanks for ever. */
export const COMMA = literal(", ");
export const COLON = literal(": ");

/** Any characters of a string. A class that repeats costs the matcher nothing, a rule that does costs more with each character. */
export const CHARACTERS = `${PLAIN_CLASS}* (json_escape ${PLAIN_CLASS}*)*`;

/** Rules for all JSON. An integer has digits that a number of JavaScript holds, and no escape stands for half a character. */
const JSON_RULES: Readonly<Record<string, string>> = {
  json_hex: "[0-9a-fA-F]",
  json_escape: String.raw`"\\" (["\\/bfnrt] | "u" ([0-9a-cefA-CEF] json_hex json_hex json_hex | [dD] [0-7] json_hex json_hex))`,
  json_char: `${PLAIN_CHARACTER} | json_escape`,
  json_rest: `${CHARACTERS} "\\""`,
  json_string: '"\\"" json_rest',
  json_integer: '"-"? ("0" | [1-9] [0-9]{0,14})',
  json_number: 'json_integer ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?',
  json_array: `"[" ${separated("json_value", COMMA, 0, Infinity)} "]"`,
  json_object: `"{" ${separated(`json_string ${COLON} json_value`, COMMA, 0, Infinity)} "}"`,
  json_value: 'json_object | json_array | json_string | json_number | "true" | "false" | "null"',
};

/** The rules of one grammar. */
export class Rules {
  readonly #rules = new Map<string, string>();
  #characters = 0;

  /** Takes a name for a rule that is yet to be set. */
  reserve(): string {
    const name = `rule_${this.#rules.size}`;
    this.#rules.set(name, "");
    return name;
  }

  set(name: string, body: string): void {
    this.#characters += name.length + body.length;
    this.#rules.set(name, body);
  }

  /** The name of a rule with this body. */
  add(body: string): string {
    const name = this.reserve();
    this.set(name, body);
    return name;
  }

  get isTooLarge(): boolean {
    return this.#characters > MAX_GRAMMAR;
  }

  /** The whole grammar: the rules that lead on from its root, as each costs time and room in every tool's grammar. */
  print(root: string): string {
    const bodies = new Map([...Object.entries({ root, ...JSON_RULES }), ...this.#rules]);
    const reached = new Set(["root"]);
    for (const name of reached) for (const [word] of bodies.get(name)?.matchAll(/\w+/g) ?? []) if (bodies.has(word)) reached.add(word);
    return [...reached].map((name) => `${name} ::= ${bodies.get(name)}\n`).join("");
  }
}

