/** Calls whose arguments are elements like XML's. A value is read whole: whether it is a list or an object shows in its first element. */

import { isJsonObject, type Json, type JsonObject } from "../support/json.ts";
import type { CallSyntax } from "./format.ts";
import { Malformed, type Input, type Step } from "./input.ts";
import { asJson } from "./parameters.ts";
import type { CallSink } from "./sink.ts";
import { word } from "./words.ts";

type Syntax = Extract<CallSyntax, { kind: "elements" }>;

const MAX_DEPTH = 64;
const MAX_VALUE = 1 << 20;

export function* elementCalls(input: Input, syntax: Syntax, tools: ReadonlyMap<string, JsonObject>, sink: CallSink): Step<void> {
  for (let isFirst = true; ; isFirst = false) {
    yield* input.skipSpace();
    if (!(yield* input.accept(syntax.nameBegin))) {
      if (isFirst) throw new Malformed("no name");
      return;
    }
    const name = yield* word(input);
    yield* input.expect(syntax.nameEnd);
    sink.begin(name);
    sink.piece("{");
    let separator = "";
    for (let key = yield* opening(input, syntax); key !== undefined; key = yield* opening(input, syntax)) {
      sink.piece(`${separator}${JSON.stringify(key)}: `);
      sink.piece(yield* value(input, syntax, key, inner(tools.get(name) ?? null, key), 0));
      separator = ", ";
    }
    sink.piece("}");
    yield* input.expect(`/${syntax.end}`);
    sink.expect();
  }
}

/** The name of an element that begins here; undefined where a tag closes instead, of which the slash comes next. */
function* opening(input: Input, { mark }: Syntax): Step<string | undefined> {
  yield* input.skipSpace();
  yield* input.expect(`${mark}<`);
  return (yield* input.peek()) === "/" ? undefined : yield* opened(input);
}

function* opened(input: Input): Step<string> {
  const name = yield* word(input);
  yield* input.expect(">");
  return name;
}

/** The JSON of what is between an element's tags. */
function* value(input: Input, syntax: Syntax, key: string, schema: Json, depth: number): Step<string> {
  if (depth > MAX_DEPTH) throw new Malformed("too deep");
  let text = "";
  const tag = yield* input.until([`${syntax.mark}<`], (piece) => {
    text += piece;
    if (text.length > MAX_VALUE) throw new Malformed("too long");
  }, () => 0);
  if (tag === undefined) throw new Malformed("cut");
  const close = `/${key}>`;
  if (yield* input.accept(close)) return isJsonObject(schema) && schema["type"] === "string" ? JSON.stringify(text) : asJson(text);
  const names: string[] = [];
  const values: string[] = [];
  for (let name: string | undefined = yield* opened(input); name !== undefined; name = yield* opening(input, syntax)) {
    names.push(name);
    values.push(yield* value(input, syntax, name, inner(schema, name === syntax.item ? undefined : name), depth + 1));
  }
  yield* input.expect(close);
  if (names.every((name) => name === syntax.item)) return `[${values.join(", ")}]`;
  return `{${values.map((json, i) => `${JSON.stringify(names[i])}: ${json}`).join(", ")}}`;
}

/** The schema of a property, or of a list's entries. */
function inner(schema: Json, name: string | undefined): Json {
  if (!isJsonObject(schema)) return null;
  const { properties = null, items = null } = schema;
  if (name === undefined) return items;
  return isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] ?? null : null;
}
