/** Regular expressions to grammars: of the JSON strings that fit, as JSON Schema has them, or of the texts that fit as a whole. */

import { caseless } from "./caseless.ts";
import { common, LAST, negated, oneOf, PLAIN, WELL_FORMED, type Range } from "./characters.ts";
import { anyOf, CHARACTERS, literal, repeated } from "./ebnf.ts";

/** What a grammar cannot say of a pattern. */
export class PatternError extends Error {}

const MOST_DEPTH = 32;
const DIGIT: readonly Range[] = [[48, 57]];
const WORD: readonly Range[] = [[48, 57], [65, 90], [95, 95], [97, 122]];
const SPACE: readonly Range[] = [[9, 13], [32, 32], [160, 160], [0x1680, 0x1680], [0x2000, 0x200a], [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff]];
const LINE_ENDS: readonly Range[] = [[10, 10], [13, 13], [0x2028, 0x2029]];
const CLASSES: Readonly<Record<string, readonly Range[]>> = { d: DIGIT, w: WORD, s: SPACE, D: negated(DIGIT), W: negated(WORD), S: negated(SPACE) };
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

/** How what fits is written. */
interface Writing {
  /** One of these characters. */
  readonly character: (ranges: readonly Range[]) => string;
  readonly literal: (text: string) => string;
  /** What may be before and behind what is not anchored. */
  readonly around: string;
  /** What a dot stands for. */
  readonly dot: readonly Range[];
  readonly mostRepeats: number;
}

function inJson(ranges: readonly Range[]): string {
  const plain = common(PLAIN, ranges);
  const escaped = [8, 9, 10, 12, 13, 34, 92].filter((code) => ranges.some(([from, to]) => from <= code && code <= to));
  const choices = [...(plain.length > 0 ? [oneOf(plain)] : []), ...escaped.map((code) => literal(JSON.stringify(String.fromCodePoint(code)).slice(1, -1)))];
  if (choices.length === 0) throw new PatternError("it has characters that JSON does not write");
  return anyOf(choices);
}

const JSON_STRING: Writing = { character: inJson, literal: (text) => literal(JSON.stringify(text).slice(1, -1)), around: CHARACTERS, dot: negated(LINE_ENDS), mostRepeats: 1000 };

function inText(ranges: readonly Range[]): string {
  const characters = common(WELL_FORMED, ranges);
  if (characters.length === 0) throw new PatternError("a class of it has no characters");
  return oneOf(characters);
}

const TEXT: Writing = { character: inText, literal, around: "", dot: negated([[10, 10], [13, 13]]), mostRepeats: 1 << 14 };

/** Characters of one kind: a piece of a grammar, and how often it comes. */
export interface Run {
  readonly piece: string;
  readonly least: number;
  readonly most: number;
}

const ALL: readonly Range[] = [[0, LAST]];
const FLAGS = "imsuv";

class PatternReader {
  readonly #characters: readonly string[];
  readonly #writing: Writing;
  /** Those that hold here. What "m" says of anchors changes nothing at the ends, where alone they may be; "u" is how a pattern is read. */
  #flags: ReadonlySet<string>;
  #at = 0;

  /** The pattern may begin with flags: `(?is)`. */
  constructor(pattern: string, writing: Writing) {
    this.#characters = [...pattern];
    this.#writing = writing;
    const [all = "", flags = ""] = /^\(\?([a-z]+)\)/.exec(pattern) ?? [];
    this.#flags = this.#known(flags);
    this.#at = all.length;
  }

  #known(flags: string): ReadonlySet<string> {
    for (const flag of flags) if (!FLAGS.includes(flag)) throw new PatternError(`it has the flag "${flag}", which a grammar does not know`);
    return new Set(flags);
  }

  /** All that fits. */
  read(): string {
    const choices: string[] = [];
    const { around } = this.#writing;
    do {
      const isBegin = this.#takes("^");
      const body = this.#sequence(0);
      const isEnd = this.#takes("$");
      choices.push([isBegin ? "" : around, body, isEnd ? "" : around].filter((piece) => piece !== "").join(" "));
    } while (this.#takes("|"));
    if (this.#at < this.#characters.length) throw new PatternError(`"${this.#next()}" stands where it cannot`);
    return anyOf(choices.map((choice) => (choice === "" ? '""' : choice)));
  }

  /** Where it is one kind of character, so many times, and nothing else; undefined where it is more. */
  run(): Run | undefined {
    if (!this.#takes("^") || this.#peek() === "(" || this.#peek() === "$") return undefined;
    const piece = this.#atom(0);
    const [least, most] = this.#quantifier(Infinity);
    this.#takes("?");
    return this.#takes("$") && this.#at === this.#characters.length ? { piece, least, most } : undefined;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const next = this.#characters[this.#at++];
    if (next === undefined) throw new PatternError("it ends too early");
    return next;
  }

  #takes(...expected: readonly string[]): boolean {
    const isThere = expected.every((one, i) => this.#characters[this.#at + i] === one);
    if (isThere) this.#at += expected.length;
    return isThere;
  }

  #choices(depth: number): string {
    const choices = [];
    do choices.push(this.#sequence(depth) || '""'); while (this.#takes("|"));
    return anyOf(choices);
  }

  #sequence(depth: number): string {
    const pieces: string[] = [];
    for (let next = this.#peek(); next !== undefined && !"|)$".includes(next); next = this.#peek()) pieces.push(this.#quantified(depth));
    return pieces.join(" ");
  }

  #quantified(depth: number): string {
    const piece = this.#atom(depth);
    const [least, most] = this.#quantifier();
    this.#takes("?"); // as few as possible, or as many: the same strings
    return repeated(piece, least, most);
  }

  #quantifier(mostTimes = this.#writing.mostRepeats): [number, number] {
    if (this.#takes("*")) return [0, Infinity];
    if (this.#takes("+")) return [1, Infinity];
    if (this.#takes("?")) return [0, 1];
    if (!this.#takes("{")) return [1, 1];
    const end = this.#characters.indexOf("}", this.#at);
    const text = this.#characters.slice(this.#at, Math.max(end, this.#at)).join("");
    const match = /^(\d{1,6})(,(\d{0,6}))?$/.exec(text);
    if (match === null) throw new PatternError(`{${text} is no number of times`);
    this.#at = end + 1;
    const least = Number(match[1]);
    const most = match[2] === undefined ? least : match[3] === "" ? Infinity : Number(match[3]);
    if (least > mostTimes || (most !== Infinity && most > mostTimes) || least > most) throw new PatternError(`{${text}} is too often; ${mostTimes} times are the most`);
    return [least, most];
  }

  #atom(depth: number): string {
    const next = this.#next();
    switch (next) {
      case "(":
        return this.#group(depth);
      case "[":
        return this.#writing.character(this.#class());
      case ".":
        return this.#writing.character(this.#flags.has("s") ? ALL : this.#writing.dot);
      case "\\":
        return this.#writing.character(this.#cased(this.#escape()));
      case "^":
      case "*":
      case "+":
      case "?":
      case "{":
        throw new PatternError(`"${next}" stands where it cannot`);
      default:
        return this.#flags.has("i") ? this.#writing.character(this.#cased([codeOf(next)])) : this.#writing.literal(next);
    }
  }

  #cased(ranges: readonly Range[]): readonly Range[] {
    return this.#flags.has("i") ? caseless(ranges, this.#flags.has("u") || this.#flags.has("v") ? "iu" : "i") : ranges;
  }

  #group(depth: number): string {
    if (depth >= MOST_DEPTH) throw new PatternError("it is nested too deeply");
    const flags = this.#flags;
    if (this.#takes("?") && !this.#takes(":") && !this.#modified()) {
      if (/[a-z]/.test(this.#peek() ?? "")) throw new PatternError("flags stand at its very beginning, or before the colon of a group");
      this.#takes("P"); // as Python names a group
      if (!this.#takes("<") || "=!".includes(this.#peek() ?? "=")) throw new PatternError("a grammar cannot look ahead or behind");
      while (this.#next() !== ">");
    }
    const body = this.#choices(depth + 1);
    if (!this.#takes(")")) throw new PatternError("a group has no end");
    this.#flags = flags;
    return `(${body})`;
  }

  /** Flags of a group alone: `(?i:a)`, `(?-i:a)`. */
  #modified(): boolean {
    const colon = this.#characters.indexOf(":", this.#at);
    const match = /^([a-z]*)(?:-([a-z]*))?$/.exec(this.#characters.slice(this.#at, Math.min(colon, this.#at + 8)).join(""));
    if (colon < 0 || match === null) return false;
    const [, on = "", off = ""] = match;
    const gone = this.#known(off);
    this.#flags = new Set([...this.#flags, ...this.#known(on)].filter((flag) => !gone.has(flag)));
    this.#at = colon + 1;
    return true;
  }

  #escape(): readonly Range[] {
    const next = this.#next();
    const set = Object.hasOwn(CLASSES, next) ? CLASSES[next] : undefined;
    if (set !== undefined) return set;
    if (next === "x" || next === "u") return this.#code(next);
    const control = Object.hasOwn(CONTROLS, next) ? CONTROLS[next] : undefined;
    if (control === undefined && /[a-zA-Z0-9]/.test(next)) throw new PatternError(`a grammar cannot say \\${next}`);
    return [control === undefined ? codeOf(next) : [control, control]];
  }

  #code(kind: string): readonly Range[] {
    const isLong = kind === "u" && this.#takes("{");
    const end = isLong ? this.#characters.indexOf("}", this.#at) : this.#at + (kind === "x" ? 2 : 4);
    const hex = this.#characters.slice(this.#at, Math.max(end, this.#at)).join("");
    const code = Number.parseInt(hex, 16);
    if (!/^[0-9a-fA-F]{1,6}$/.test(hex) || code > LAST) throw new PatternError(`\\${kind}${hex} is no character`);
    this.#at = isLong ? end + 1 : end;
    return [[code, code]];
  }

  #class(): readonly Range[] {
    const isNegated = this.#takes("^");
    const ranges: Range[] = [];
    while (!this.#takes("]")) {
      const from = this.#member();
      const [[low = 0, high = 0] = []] = from;
      if (from.length === 1 && low === high && this.#peek() === "-" && this.#characters[this.#at + 1] !== "]") {
        this.#next();
        const [[to = -1] = []] = this.#member();
        if (to < low) throw new PatternError("a range ends before it begins");
        ranges.push([low, to]);
      } else ranges.push(...from);
    }
    const cased = this.#cased(ranges);
    return isNegated ? negated(cased) : cased;
  }

  #member(): readonly Range[] {
    const next = this.#next();
    if (next === "\\") return this.#takes("b") ? [[8, 8]] : this.#escape();
    if (this.#flags.has("v") && (next === "[" || ("-&".includes(next) && this.#peek() === next))) throw new PatternError("a grammar cannot say what the flag v has in classes");
    return [codeOf(next)];
  }
}

function codeOf(character: string): Range {
  const code = character.codePointAt(0) ?? 0;
  return [code, code];
}

/** What is between the quotes of a JSON string that fits. Raises PatternError. */
export function patternGrammar(pattern: string): string {
  return new PatternReader(pattern, JSON_STRING).read();
}

/** A grammar of the texts that fit as a whole, on its own. Raises PatternError. */
export function textGrammar(pattern: string): string {
  return `root ::= ${new PatternReader(pattern, TEXT).read()}\n`;
}

/** A pattern that says of each character the same, and how many there may be; undefined for any other. Raises PatternError. */
export function runOf(pattern: string): Run | undefined {
  return new PatternReader(pattern, JSON_STRING).run();
}
