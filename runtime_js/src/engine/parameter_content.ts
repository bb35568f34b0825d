/** What stands between the tags of a call whose arguments are texts between tags, as its schema says. */

import type { CallSyntax } from "../formats/format.ts";
import { isJsonObject, type Json, type JsonObject } from "../support/json.ts";

type Syntax = Extract<CallSyntax, { kind: "parameters" }>;

/** A text that closes no tag. */
const TEXT = { type: "grammar", grammar: "root ::= ([^<] | \"<\" [^/])*" };
const NOTHING = { type: "grammar", grammar: "root ::= \"\"" };

function constant(value: string): object {
  return { type: "const_string", value };
}

/** Texts stand as they are, other values as JSON. */
function valueOf(schema: Json): object {
  if (!isJsonObject(schema) || schema["type"] !== "string") return { type: "json_schema", json_schema: schema };
  const { enum: choices = null } = schema;
  const texts = Array.isArray(choices) ? choices.filter((choice): choice is string => typeof choice === "string") : [];
  return texts.length > 0 ? { type: "or", elements: texts.map(constant) } : TEXT;
}

/** Every property in the schema's order; those that are not required may be left out. */
export function parameterContent({ keyBegin, keyEnd, valueBegin, valueEnd }: Syntax, schema: JsonObject): object {
  const { properties = null, required = null } = schema;
  const line = valueBegin === "" ? "\n" : "";
  const elements = Object.entries(isJsonObject(properties) ? properties : {}).map(([name, property]) => {
    const open = `${keyBegin}${name}${keyEnd}${valueBegin === "" ? "" : `\n${valueBegin}`}${line}`;
    const whole = { type: "sequence", elements: [constant(open), valueOf(property), constant(`${line}${valueEnd}\n`)] };
    return Array.isArray(required) && required.includes(name) ? whole : { type: "or", elements: [whole, NOTHING] };
  });
  return elements.length === 0 ? NOTHING : { type: "sequence", elements };
}
