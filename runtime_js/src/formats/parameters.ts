/** Calls whose arguments are tags with texts between them. What a text stands for, the tool's schema says. */

import { isJsonObject, parseJson, type Json, type JsonObject } from "../support/json.ts";
import type { CallSyntax } from "./format.ts";
import { Malformed, type Input, type Step } from "./input.ts";
import { literalJson } from "./literals.ts";
import type { CallSink } from "./sink.ts";
import { expectTag, hasHole, word } from "./words.ts";

type Syntax = Extract<CallSyntax, { kind: "parameters" }>;

const MAX_KEY = 256;

export function* parameterCalls(input: Input, syntax: Syntax, tools: ReadonlyMap<string, JsonObject>, sink: CallSink): Step<void> {
  for (let isFirst = true; ; isFirst = false) {
    yield* input.skipSpace();
    if (hasHole(syntax.nameBegin) && isFirst) yield* expectTag(input, syntax.nameBegin);
    else if (!(yield* input.accept(syntax.nameBegin))) {
      if (isFirst) throw new Malformed("no name");
      return;
    }
    const name = yield* word(input);
    yield* expectTag(input, syntax.nameEnd);
    sink.begin(name);
    yield* argumentsOf(input, syntax, tools.get(name) ?? {}, sink);
    sink.expect();
    if (syntax.nameBegin === "") return;
  }
}

function* argumentsOf(input: Input, syntax: Syntax, schema: JsonObject, sink: CallSink): Step<void> {
  sink.piece("{");
  for (let isFirst = true; ; isFirst = false) {
    yield* input.skipSpace();
    if (!(yield* input.accept(syntax.keyBegin))) break;
    const name = (yield* shortText(input, syntax.keyEnd)).trim();
    const isText = syntax.textKind === "" ? isString(schema, name) : (yield* shortText(input, syntax.valueBegin)).includes(syntax.textKind.trim());
    if (syntax.textKind === "") {
      yield* input.skipSpace();
      yield* input.expect(syntax.valueBegin);
    }
    sink.piece(`${isFirst ? "" : ", "}${JSON.stringify(name)}: `);
    if (isText) yield* text(input, syntax, sink);
    else sink.piece(asJson(yield* textUntil(input, syntax.valueEnd)));
  }
  if (input.isEnded && input.rest === "") return; // cut: as far as it came
  sink.piece("}");
  if (syntax.end !== "") yield* input.accept(syntax.end);
}

/** A text as JSON, as it comes: without the line ends that stand beside its tags. */
function* text(input: Input, { valueEnd }: Syntax, sink: CallSink): Step<void> {
  sink.piece("\"");
  yield* input.accept("\n");
  const isMarked = yield* input.accept("<![CDATA[");
  const end = yield* input.until([isMarked ? `]]>${valueEnd}` : valueEnd], (piece) => sink.piece(JSON.stringify(piece).slice(1, -1)),
    (piece) => (piece.endsWith("\n") && !isMarked ? 1 : 0));
  if (end !== undefined) sink.piece("\"");
}

/** A key, or what it says of its value. Raises Malformed where it is long, or cut. */
function* shortText(input: Input, end: string): Step<string> {
  let text = "";
  while (!(yield* input.accept(end))) {
    text += yield* input.next();
    if (text.length > MAX_KEY) throw new Malformed("too long");
  }
  return text;
}

/** A value that is no text is read whole. */
function* textUntil(input: Input, end: string): Step<string> {
  let whole = "";
  yield* input.until([end], (piece) => { whole += piece; }, () => 0);
  return whole;
}

export function isString({ properties = null }: JsonObject, name: string): boolean {
  const property: Json = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] ?? null : null;
  return isJsonObject(property) && property["type"] === "string";
}

/** A value that is no text: JSON, or as Python writes it. */
export function asJson(written: string): string {
  const trimmed = written.trim();
  return parseJson(trimmed) === undefined ? literalJson(trimmed) ?? JSON.stringify(trimmed) : trimmed;
}
