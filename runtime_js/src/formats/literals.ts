/** Calls that are written as Python's, or as Gemma's fields: their values become JSON. */

import { parseJson } from "../support/json.ts";
import type { CallSyntax } from "./format.ts";
import { Malformed, type Input, type Step } from "./input.ts";
import type { OnText } from "./json.ts";
import type { CallSink } from "./sink.ts";
import { key, word } from "./words.ts";

const CONSTANTS: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null", true: "true", false: "false",
  null: "null" };
const ESCAPED: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\n": "" };
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
      const letter = character === "\\" ? yield* input.next() : undefined;
      onText(JSON.stringify(letter === undefined ? character : ESCAPED[letter] ?? letter).slice(1, -1));
    }
    onText("\"");
    return true;
  },
};

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
