/** Calls that are written as Python's, or as Gemma's fields: their values become JSON. */

import { parseJson } from "../support/json.ts";
import type { CallSyntax } from "./format.ts";
import { Input, Malformed, type Step } from "./input.ts";
import type { OnText } from "./json.ts";
import type { CallSink } from "./sink.ts";
import { key, word } from "./words.ts";

const CONSTANTS: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null", true: "true", false: "false",
  null: "null" };
const ESCAPED: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\n": "" };
/** Letters of an escape that has digits, and how many. */
const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const MAX_DEPTH = 64;

/** How values are written: what reads one, and what stands between a key and its value. */
interface Notation {
  /** Reads a text where one comes next. */
  readonly text: (input: Input, onText: OnText) => Step<boolean>;
}

export function* pythonCalls(input: Input, sink: CallSink): Step<void> {
  yield* input.skipSpace();
  const isList = yield* input.accept("[");
  for (let isFirst = true; ; isFirst = false) {
    yield* input.skipSpace();
    if (isList && isFirst && (yield* input.accept("]"))) return;
    const name = yield* word(input);
    yield* input.expect("(");
    sink.begin(name);
    yield* fields(input, PYTHON, "=", ")", (text) => sink.piece(text), 0);
    sink.expect();
    yield* input.skipSpace();
    if (!(yield* input.accept(","))) break;
  }
  if (isList) yield* input.expect("]");
}

export function* fieldsCall(input: Input, { prefix, quote }: Extract<CallSyntax, { kind: "fields" }>, sink: CallSink): Step<void> {
  yield* input.skipSpace();
  yield* input.expect(prefix);
  const name = yield* word(input);
  yield* input.expect("{");
  sink.begin(name);
  yield* fields(input, quotedBy(quote), ":", "}", (text) => sink.piece(text), 0);
  sink.expect();
}

const PYTHON: Notation = {
  text: function* (input, onText) {
    const quote = yield* input.peek();
    if (quote !== "\"" && quote !== "'") return false;
    input.take(1);
    onText("\"");
    for (;;) {
      const character = yield* input.next();
      if (character === quote) break;
      onText(JSON.stringify(character === "\\" ? yield* escaped(input) : character).slice(1, -1));
    }
    onText("\"");
    return true;
  },
};

function* escaped(input: Input): Step<string> {
  const letter = yield* input.next();
  const count = DIGITS[letter];
  if (count === undefined) return ESCAPED[letter] ?? letter;
  let hex = "";
  while (hex.length < count) hex += yield* input.next();
  const code = /^[\da-fA-F]+$/.test(hex) ? Number.parseInt(hex, 16) : Infinity;
  if (code > 0x10ffff) throw new Malformed("no escape");
  return String.fromCodePoint(code);
}

function quotedBy(quote: string): Notation {
  return {
    text: function* (input, onText) {
      if (!(yield* input.accept(quote))) return false;
      onText("\"");
      const end = yield* input.until([quote], (text) => onText(JSON.stringify(text).slice(1, -1)), () => 0);
      if (end !== undefined) onText("\"");
      return true;
    },
  };
}

/** Whether another one comes, and not the end; what parts them is read. */
function* another(input: Input, isFirst: boolean, end: string, onText: OnText): Step<boolean> {
  yield* input.skipSpace();
  if (yield* input.accept(end)) return false;
  if (isFirst) return true;
  yield* input.expect(",");
  onText(", ");
  yield* input.skipSpace();
  return true;
}

/** `key = value` up to `end`, as a JSON object. */
function* fields(input: Input, notation: Notation, equals: string, end: string, onText: OnText, depth: number): Step<void> {
  onText("{");
  for (let isFirst = true; yield* another(input, isFirst, end, onText); isFirst = false) {
    let name = "";
    if (yield* notation.text(input, (text) => { name += text; })) onText(name);
    else onText(JSON.stringify(yield* key(input)));
    yield* input.skipSpace();
    yield* input.expect(equals);
    onText(": ");
    yield* value(input, notation, onText, depth + 1);
  }
  onText("}");
}

function* value(input: Input, notation: Notation, onText: OnText, depth: number): Step<void> {
  if (depth > MAX_DEPTH) throw new Malformed("too deep");
  yield* input.skipSpace();
  if (yield* notation.text(input, onText)) return;
  if (yield* input.accept("{")) return yield* fields(input, notation, ":", "}", onText, depth);
  if (yield* input.accept("[")) return yield* items(input, notation, "]", onText, depth);
  if (yield* input.accept("(")) return yield* items(input, notation, ")", onText, depth);
  let scalar = "";
  for (;;) {
    const character = yield* input.peek();
    if (character === undefined) throw new Malformed("cut");
    if (",)]}".includes(character)) break;
    scalar += input.take(1);
  }
  const written = scalar.trim();
  const known = Object.hasOwn(CONSTANTS, written) ? CONSTANTS[written] : undefined;
  onText(known ?? (parseJson(written) === undefined ? JSON.stringify(written) : written));
}

function* items(input: Input, notation: Notation, end: string, onText: OnText, depth: number): Step<void> {
  onText("[");
  for (let isFirst = true; yield* another(input, isFirst, end, onText); isFirst = false) {
    if (!isFirst && (yield* input.accept(end))) break;
    yield* value(input, notation, onText, depth + 1);
  }
  onText("]");
}

/** The JSON of a list, an object or a constant as Python writes it; undefined for what is none. */
export function literalJson(written: string): string | undefined {
  if (!/^[[{(]|^(True|False|None)$/.test(written)) return undefined;
  const input = new Input();
  input.push(`${written})`); // what ends a scalar
  let json = "";
  try {
    const isDone = value(input, PYTHON, (text) => { json += text; }, 0).next().done;
    return isDone === true && input.rest === ")" && parseJson(json) !== undefined ? json : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
