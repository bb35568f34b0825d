/**
 * Regular expressions of a tokenizer.json, which are Oniguruma's in Ruby's syntax (https://github.com/kkos/oniguruma/blob/master/doc/RE), as
 * JavaScript's: classes within classes and their intersections by the flag v, possessive quantifiers and atomic groups by a look ahead whose
 * match cannot change, cases spelt out. What has no counterpart is an error.
 */

import { GroupsFromEnd, groupsOf } from "./groups_from_end.ts";
import { folded, letterSet, literal, namedSet } from "./pattern_sets.ts";

/** Outside of a class Oniguruma takes six more of Latin-1 for letters of words. */
const WORD = `[${letterSet("w") ?? ""}\\xb2\\xb3\\xb9\\xbc-\\xbe]`;
const ANCHORS: Readonly<Record<string, string>> = {
  A: "^", z: "$", Z: "(?=\\n?$)", b: `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`, B: `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`,
};
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v", a: "\x07", e: "\x1b" };
const CODE = /^(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4}))/;
const PROPERTY = /^([pP])\{([^{}]*)\}/;
const QUANTIFIER = /^(?:[*+?]|\{(\d*)(?:(,)(\d*))?\})/;
const MAX_DEPTH = 100;

class Translator {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #atoms = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): string {
    const all = this.#alternatives(false);
    if (this.#at < this.#text.length) throw this.#wrong("a bracket too many");
    return all;
  }

  #wrong(what: string): Error {
    return new Error(`the tokenizer's expression ${this.#text.slice(0, 200)} has ${what} at ${this.#at}`);
  }

  /** Whether this comes next, which is then read. */
  #takes(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    const found = expression.exec(this.#text.slice(this.#at, this.#at + 64)) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  #next(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw this.#wrong("an end too early");
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #alternatives(folds: boolean): string {
    if (++this.#depth > MAX_DEPTH) throw this.#wrong("too many brackets");
    const foldsAll = folds || this.#takes("(?i)");
    let all = "";
    while (this.#at < this.#text.length && this.#text[this.#at] !== ")") all += this.#takes("|") ? "|" : this.#quantified(this.#atom(foldsAll));
    this.#depth--;
    return all;
  }

  #quantified(atom: string): string {
    let result = atom;
    for (let found = this.#match(QUANTIFIER); found !== undefined; found = this.#match(QUANTIFIER)) {
      const [sign, least = "", comma, most = ""] = found;
      const isRange = sign.startsWith("{");
      if (isRange && least === "" && most === "") throw this.#wrong("a bracket of no meaning");
      if (result !== atom) result = `(?:${result})`;
      result += isRange ? `{${least === "" ? "0" : least}${comma ?? ""}${most}}` : sign;
      if (isRange && comma === undefined && this.#text[this.#at] === "?") throw this.#wrong("a quantifier of two meanings");
      if (this.#takes("?")) result += "?";
      else if (!isRange && this.#takes("+")) result = this.#atomic(result);
    }
    return result;
  }

  #atomic(inner: string): string {
    const name = `a${this.#atoms++}`;
    return `(?:(?=(?<${name}>${inner}))\\k<${name}>)`;
  }

  #atom(folds: boolean): string {
    if (this.#takes("[")) return this.#class(folds);
    if (this.#takes("(")) return this.#group(folds);
    if (this.#takes("\\")) return this.#escape(folds);
    const character = this.#next();
    switch (character) {
      case ".":
        return "[^\\n]";
      case "^":
        return "(?<=^|\\n)";
      case "$":
        return "(?=$|\\n)";
      case "*":
      case "+":
      case "?":
        throw this.#wrong("a quantifier of nothing");
      default:
        return this.#character(character, folds);
    }
  }

  #character(character: string, folds: boolean): string {
    const all = folds ? folded(character) : [character];
    return all.length > 1 ? `[${all.map(literal).join("")}]` : literal(character);
  }

  #group(folds: boolean): string {
    if (this.#takes("?#")) {
      while (this.#next() !== ")");
      return "";
    }
    const kind = ["?i:", "?-i:", "?:", "?>", "?=", "?!", "?<=", "?<!"].find((prefix) => this.#takes(prefix));
    if (kind === undefined && this.#match(/^\?<[A-Za-z_]\w*>/) === undefined && this.#text[this.#at] === "?") throw this.#wrong("a group of another kind");
    const inner = this.#alternatives(kind === "?i:" || (folds && kind !== "?-i:"));
    if (!this.#takes(")")) throw this.#wrong("an end too early");
    if (kind === "?>") return this.#atomic(inner);
    return kind?.match(/[=!]$/) ? `(${kind}${inner})` : `(?:${inner})`;
  }

  /** A character by its code or its name; undefined for what is no character. */
  #escapedCharacter(): string | undefined {
    const code = this.#match(CODE);
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? "", 16));
    const next = this.#text[this.#at] ?? "";
    if (next in CONTROLS) return CONTROLS[this.#next()];
    return /[A-Za-z0-9]/.test(next) ? undefined : this.#next();
  }

  #escapedSet(): string | undefined {
    const property = this.#match(PROPERTY);
    if (property !== undefined) return namedSet(property[2] ?? "", property[1] === "P");
    const set = letterSet(this.#text[this.#at] ?? "");
    if (set !== undefined) this.#at++;
    return set;
  }

  #escape(folds: boolean): string {
    if (this.#takes("w")) return WORD;
    if (this.#takes("W")) return `[^${WORD}]`;
    const set = this.#escapedSet();
    if (set !== undefined) return `[${set}]`;
    const character = this.#escapedCharacter();
    if (character !== undefined) return this.#character(character, folds);
    const anchor = ANCHORS[this.#text[this.#at] ?? ""];
    if (anchor === undefined) throw this.#wrong("an escape that has no counterpart in JavaScript");
    this.#at++;
    return anchor;
  }

  /** Behind its first bracket. */
  #class(folds: boolean): string {
    if (++this.#depth > MAX_DEPTH) throw this.#wrong("too many brackets");
    const isInverted = this.#takes("^");
    const operands: string[] = [];
    let set = this.#takes("]") ? literal("]") : "";
    while (!this.#takes("]")) {
      if (this.#takes("&&")) {
        operands.push(set);
        set = "";
      } else {
        set += this.#member(folds);
      }
    }
    operands.push(set);
    this.#depth--;
    const all = operands.length === 1 ? set : operands.map((operand) => `[${operand}]`).join("&&");
    return `[${isInverted ? "^" : ""}${all}]`;
  }

  #member(folds: boolean): string {
    const posix = this.#match(/^\[:(\^?[a-z]+):\]/);
    if (posix !== undefined) return namedSet(posix[1] ?? "", false);
    if (this.#takes("[")) return this.#class(folds);
    const first = this.#takes("\\") ? this.#escapedSet() ?? this.#one(this.#escapedCharacter()) : this.#one(this.#next());
    if (typeof first === "string") return first;
    const behind = this.#text[this.#at + 1];
    if (this.#text[this.#at] !== "-" || behind === "]" || behind === "[" || behind === undefined) return (folds ? folded(first.one) : [first.one]).map(literal).join("");
    this.#at++;
    const last = this.#takes("\\") ? this.#one(this.#escapedCharacter()).one : this.#next();
    return this.#range(first.one, last, folds);
  }

  #one(character: string | undefined): { readonly one: string } {
    if (character === undefined) throw this.#wrong("an escape that has no counterpart in JavaScript");
    return { one: character };
  }

  #range(first: string, last: string, folds: boolean): string {
    const range = `${literal(first)}-${literal(last)}`;
    if (!folds) return range;
    const [from, to] = [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
    if (to > 0x7f) throw this.#wrong("a range of letters in both cases");
    const letters = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => String.fromCodePoint(from + i));
    return [...new Set(letters.flatMap(folded))].map(literal).join("");
  }
}

/** A run of one set that ends with the text is looked for from where it begins alone: else each of its characters would be a beginning. */
const RUN_AT_END = /^(\\[swdhSWDH]|\\[pP]\{[^{}]*\}|\[[^[\]\\&]*\])\+(?:\+)?\$$/;

/** Finds each match of a pattern; flags g and v. Raises Error for one that JavaScript cannot do. */
export function expressionOf(pattern: string): RegExp {
  const groups = groupsOf(pattern);
  if (groups !== undefined) return new GroupsFromEnd(groups, new Translator(groups.set).whole(), new Translator(groups.end).whole());
  const source = new Translator(pattern).whole();
  const run = RUN_AT_END.exec(pattern)?.[1];
  return new RegExp(run === undefined ? source : `(?<!${new Translator(run).whole()})${source}`, "gv");
}
