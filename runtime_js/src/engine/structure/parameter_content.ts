/** What stands between the tags of a call whose arguments are texts between tags, as its schema says. */

import type { CallSyntax } from "../../formats/format.ts";
import { filled } from "../../formats/words.ts";
import { isJsonObject, type Json, type JsonObject } from "../../support/json.ts";
import { pointer, SchemaError } from "./schema_fields.ts";

type Syntax = Extract<CallSyntax, { kind: "parameters" }>;

/** A text without the first two letters of what ends it. */
function textBefore(end: string): object {
  const [first, second] = [...end].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return { type: "grammar", grammar: `root ::= ([^${first}] | "${first}"+ [^${first}${second}])*\n` };
}

const NOTHING = { type: "grammar", grammar: "root ::= \"\"" };
/** Where a property's schema may refer to. */
const DEFINITIONS = ["$defs", "definitions"];
/** What a text as it is cannot be held to. */
const UNHELD = ["minLength", "maxLength", "pattern"];

function constant(value: string): object {
  return { type: "const_string", value };
}

function choiceOf(elements: readonly object[]): object {
  const [first = NOTHING] = elements;
  return elements.length === 1 ? first : { type: "or", elements };
}

/** The texts that a schema names; undefined where it is no schema of texts alone. */
function textsOf(schema: JsonObject): string[] | undefined {
  const { const: one = null, enum: several = null } = schema;
  const values = one !== null ? [one] : several;
  return Array.isArray(values) && values.every((value) => typeof value === "string") ? values.map(String) : undefined;
}

/** What a format that says so calls a value's type. */
function typeName({ type = null }: JsonObject): string {
  return type === "integer" ? "number" : typeof type === "string" ? type : "object";
}

/** A text as it is. */
function textValue(schema: JsonObject, name: string, end: string, isStrict: boolean): object {
  const texts = textsOf(schema);
  if (texts !== undefined && texts.length > 0) return choiceOf(texts.map(constant));
  const unheld = UNHELD.find((key) => Object.hasOwn(schema, key));
  if (isStrict && unheld !== undefined) {
    throw new SchemaError(pointer(pointer("#/properties", name), unheld),
      `this model writes texts as they are, which cannot be held to ${unheld}; leave it out, or leave out strict`);
  }
  return textBefore(end);
}

/** Every property in the schema's order, texts as they are and other values as JSON; those that are not required may be left out. Raises SchemaError. */
export function parameterContent(syntax: Syntax, schema: JsonObject, isStrict: boolean, param: string): object {
  const { keyBegin, keyEnd, valueBegin, valueEnd, textKind, jsonKind } = syntax;
  const { properties = null, required = null } = schema;
  const definitions = Object.fromEntries(DEFINITIONS.flatMap((key): [string, Json][] => (Object.hasOwn(schema, key) ? [[key, schema[key] ?? null]] : [])));
  const line = valueBegin === "" ? "\n" : "";
  const elements = Object.entries(isJsonObject(properties) ? properties : {}).map(([name, property]) => {
    const given = isJsonObject(property) ? property : {};
    const isText = given["type"] === "string";
    const kind = isText ? textKind : filled(jsonKind, typeName(given));
    const open = `${keyBegin}${name}${keyEnd}${kind}${valueBegin === "" ? "" : `${textKind === "" ? "\n" : ""}${valueBegin}`}${line}`;
    const at = pointer("#/properties", name);
    const json = { type: "json_schema", json_schema: isJsonObject(property) ? { ...property, ...definitions } : property, strict: isStrict, param, at };
    const value = isText ? textValue(given, name, valueEnd, isStrict) : json;
    const whole = { type: "sequence", elements: [constant(open), value, constant(`${line}${valueEnd}\n`)] };
    return Array.isArray(required) && required.includes(name) ? whole : { type: "or", elements: [whole, NOTHING] };
  });
  return elements.length === 0 ? NOTHING : { type: "sequence", elements };
}
