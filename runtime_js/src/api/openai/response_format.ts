/** Reads `response_format`: what an answer must look like, as OpenAI, WebLLM and others spell it. */

import { MAX_FORM, MAX_GRAMMAR_FORM, type Structure } from "../../engine/structure/structure.ts";
import { isRecord, type Fields } from "../../support/fields.ts";

const MAX_SCHEMA_NAME = 64;
const ANY_OBJECT = '{"type":"object"}';

const TYPES = ["text", "json_object", "json_schema", "grammar", "regex", "structural_tag"] as const;

/** JSON text, given as such or as the value that it stands for. */
function jsonText(format: Fields, key: string, expected: string): string {
  const value = format.raw(key);
  if (typeof value !== "string" && !isRecord(value) && value !== true) throw format.wrong(key, expected);
  try {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text.length > MAX_FORM) throw format.fail(`${format.at(key)} has ${text.length} characters; ${MAX_FORM} are the most`, format.at(key));
    if (typeof value === "string") JSON.parse(text);
    return text;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError)) throw error;
    throw format.fail(`${format.at(key)} is no JSON: ${error.message}`, format.at(key));
  }
}

function schemaOf(format: Fields, isStrict: boolean): Structure {
  if (!format.has("schema")) return { kind: "schema", schema: ANY_OBJECT, isStrict, param: format.path };
  return { kind: "schema", schema: jsonText(format, "schema", "a JSON Schema"), isStrict, param: format.at("schema") };
}

/** A schema with its name, as in `response_format.json_schema`. */
function readNamedSchema(format: Fields): Structure {
  format.onlyKeys(["name", "description", "schema", "strict"]);
  const name = format.string("name", MAX_SCHEMA_NAME);
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) throw format.wrong("name", "letters, digits, _ and -");
  return schemaOf(format, format.optional("strict", (key) => format.boolean(key)) ?? false);
}

/** Undefined for plain text. Raises the error of the fields. */
export function readResponseFormat(request: Fields): Structure | undefined {
  const format = request.optional("response_format", (key) => request.object(key));
  if (format === undefined) return undefined;
  const type = format.oneOf("type", TYPES);
  format.onlyKeys(["type", ...(type === "text" ? [] : [type === "json_object" ? "schema" : type])]);
  switch (type) {
    case "text":
      return undefined;
    case "json_object":
      return schemaOf(format, false);
    case "json_schema":
      return readNamedSchema(format.object(type));
    case "grammar":
      return { kind: type, grammar: format.string(type, MAX_GRAMMAR_FORM), param: format.at(type) };
    case "regex":
      return { kind: type, pattern: format.string(type, MAX_GRAMMAR_FORM), param: format.at(type) };
    case "structural_tag":
      return { kind: "tags", tags: jsonText(format, type, "a structural tag"), isStrict: false, param: format.at(type) };
  }
}
