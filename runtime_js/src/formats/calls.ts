/** Reads calls of tools, each format's syntax by a function of its own. */

import type { CallSyntax, ToolFormat } from "./format.ts";
import { Malformed, type Input, type Step } from "./input.ts";
import { jsonString, jsonValue, jsonWord, type OnText } from "./json.ts";
import { fieldsCall, pythonCalls } from "./literals.ts";
import { elementCalls } from "./elements.ts";
import { parameterCalls } from "./parameters.ts";
import type { CallSink } from "./sink.ts";
import { expectTag, hasHole, word } from "./words.ts";
import type { JsonObject } from "../support/json.ts";

type Of<K extends CallSyntax["kind"]> = Extract<CallSyntax, { kind: K }>;

/** What stands between a tag that opens and the one that closes, and the latter. Raises Malformed. */
export function* readCalls(input: Input, { syntax, end }: ToolFormat, tools: ReadonlyMap<string, JsonObject>, sink: CallSink): Step<void> {
  switch (syntax.kind) {
    case "json":
      yield* jsonCalls(input, syntax, sink);
      break;
    case "named":
      yield* namedCall(input, syntax, end, sink);
      break;
    case "parameters":
      yield* parameterCalls(input, syntax, tools, sink);
      break;
    case "elements":
      yield* elementCalls(input, syntax, tools, sink);
      break;
    case "python":
      yield* pythonCalls(input, sink);
      break;
    case "fields":
      yield* fieldsCall(input, syntax, sink);
      break;
  }
  yield* input.skipSpace();
  if (end !== "" && (yield* input.accept(end.trimStart()))) yield* input.skipSpace();
}

function* jsonCalls(input: Input, syntax: Of<"json">, sink: CallSink): Step<void> {
  yield* input.skipSpace();
  const isList = yield* input.accept("[");
  for (let isFirst = true; ; isFirst = false) {
    yield* input.skipSpace();
    if ((yield* input.peek()) !== "{") {
      if (isFirst && !isList) throw new Malformed("no call");
      break;
    }
    yield* syntax.name === "" ? keyedCall(input, sink) : jsonCall(input, syntax, sink);
    sink.expect();
    yield* input.skipSpace();
    if (!(yield* input.accept(",")) && !(yield* input.accept(";")) && isList) break;
  }
  if (isList) yield* input.expect("]");
}

const NO_ARGUMENTS = "{}";

/** What models call arguments that have learned several formats. */
const ARGUMENTS = ["arguments", "parameters"];

function* jsonCall(input: Input, syntax: Of<"json">, sink: CallSink): Step<void> {
  let name: string | undefined;
  let held: string | undefined;
  yield* input.expect("{");
  for (let isFirst = true; ; isFirst = false) {
    yield* input.skipSpace();
    if (yield* input.accept("}")) break;
    if (!isFirst) yield* input.expect(",");
    yield* input.skipSpace();
    const key = yield* jsonWord(input);
    yield* input.skipSpace();
    yield* input.expect(":");
    yield* input.skipSpace();
    if (key === syntax.name && name === undefined) {
      name = yield* jsonWord(input);
      sink.begin(name);
      if (held !== undefined) sink.piece(held);
    } else if ((key === syntax.arguments || ARGUMENTS.includes(key)) && held === undefined) {
      held = "";
      yield* argumentsOf(input, (text) => {
        if (name === undefined) held += text;
        else sink.piece(text);
      });
    } else {
      yield* jsonValue(input, () => undefined);
    }
  }
  if (name === undefined) throw new Malformed("no name");
  if (held === undefined) sink.piece(NO_ARGUMENTS);
}

/** `{name: arguments}` */
function* keyedCall(input: Input, sink: CallSink): Step<void> {
  yield* input.expect("{");
  yield* input.skipSpace();
  sink.begin(yield* jsonWord(input));
  yield* input.skipSpace();
  yield* input.expect(":");
  yield* input.skipSpace();
  yield* argumentsOf(input, (text) => sink.piece(text));
  yield* input.skipSpace();
  yield* input.expect("}");
}

/** An object, or a string that holds its JSON. Where a tool takes none, some models write null, or an empty string. */
function* argumentsOf(input: Input, onText: OnText): Step<void> {
  if (yield* input.accept("null")) return onText(NO_ARGUMENTS);
  if ((yield* input.peek()) !== "\"") return yield* jsonValue(input, onText);
  let isEmpty = true;
  yield* jsonString(input, (text) => {
    isEmpty = false;
    onText(text);
  });
  if (isEmpty) onText(NO_ARGUMENTS);
}

/** Characters between a name and what separates it from the arguments: an id, or the arguments' type. */
const MAX_BETWEEN = 64;

function* namedCall(input: Input, { prefix, separator }: Of<"named">, end: string, sink: CallSink): Step<void> {
  if (hasHole(prefix)) yield* expectTag(input, prefix);
  else if (prefix !== "") yield* input.accept(prefix);
  const name = yield* word(input);
  let between = "";
  while (!(yield* input.accept(separator))) {
    between += yield* input.next();
    if (between.length > MAX_BETWEEN) throw new Malformed("no separator");
  }
  yield* input.skipSpace();
  const isEmpty = end !== "" && (yield* input.accept(end.trimStart()));
  if (!isEmpty && (yield* input.peek()) !== "{") throw new Malformed("no arguments");
  sink.begin(name.replace(/:\d+$/, "")); // Kimi counts its calls
  if (isEmpty) sink.piece(NO_ARGUMENTS);
  else yield* jsonValue(input, (text) => sink.piece(text));
}
