/** Reads `response_format`: what an answer must look like, as OpenAI, WebLLM and others spell it. */

import { JSON_OBJECT, MAX_GRAMMAR } from "../../engine/structure/ebnf.ts";
import { schemaGrammar } from "../../engine/structure/schema.ts";
import { SchemaError } from "../../engine/structure/schema_fields.ts";
import { tagStructure } from "../../engine/structure/tags.ts";
import type { Structure } from "../../engine/structure/structure.ts";
import { isRecord, type Fields } from "../../support/fields.ts";

/** Characters of a schema, a grammar or a regular expression. */
export const MAX_STRUCTURE = MAX_GRAMMAR;
const MAX_SCHEMA_NAME = 64;

const ANY_OBJECT: Structure = { kind: "grammar", grammar: JSON_OBJECT };

const TYPES = ["text", "json_object", "json_schema", "grammar", "regex", "structural_tag"] as const;

/** A JSON text, or the value that it stands for. */
function parsed(format: Fields, key: string): unknown {
  if (typeof format.raw(key) !== "string") return format.raw(key);
  try {
    const value: unknown = JSON.parse(format.string(key, MAX_STRUCTURE));
    return value;
  } catch (error) {
    throw format.fail(`${format.at(key)} is no JSON: ${String(error)}`, format.at(key));
  }
}

/** What is made of a field; what is wrong in it is said with the field's name. */
function usable(format: Fields, key: string, make: () => Structure): Structure {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    throw format.fail(`${format.at(key)} cannot be used: ${error.message}`, format.at(key));
  }
}

function readSchemaOf(format: Fields, key: string, isStrict: boolean): Structure {
  return usable(format, key, () => ({ kind: "grammar", grammar: schemaGrammar(parsed(format, key), isStrict) }));
}

/** A schema with its name, as in `response_format.json_schema`. */
function readNamedSchema(format: Fields): Structure {
  format.onlyKeys(["name", "description", "schema", "strict", "type"]);
  const name = format.string("name", MAX_SCHEMA_NAME);
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) throw format.wrong("name", "letters, digits, _ and -");
  const isStrict = format.optional("strict", (key) => format.boolean(key)) ?? false;
  return format.has("schema") ? readSchemaOf(format, "schema", isStrict) : ANY_OBJECT;
}

/** Undefined for plain text. Raises the error of the fields. */
export function readResponseFormat(request: Fields): Structure | undefined {
  const format = request.optional("response_format", (key) => request.object(key));
  if (format === undefined) return undefined;
  switch (format.oneOf("type", TYPES)) {
    case "text":
      format.onlyKeys(["type"]);
      return undefined;
    case "json_object":
      format.onlyKeys(["type", "schema"]);
      return format.has("schema") ? readSchemaOf(format, "schema", false) : ANY_OBJECT;
    case "json_schema":
      format.onlyKeys(["type", "json_schema"]);
      return readNamedSchema(format.object("json_schema"));
    case "grammar":
      format.onlyKeys(["type", "grammar"]);
      return { kind: "grammar", grammar: format.string("grammar", MAX_STRUCTURE) };
    case "regex":
      format.onlyKeys(["type", "regex"]);
      return { kind: "regex", pattern: format.string("regex", MAX_STRUCTURE) };
    case "structural_tag":
      format.onlyKeys(["type", "structural_tag"]);
      return readTag(format);
  }
}

function readTag(format: Fields): Structure {
  const tag = parsed(format, "structural_tag");
  const inner = isRecord(tag) ? tag["format"] ?? tag : undefined;
  if (!isRecord(inner)) throw format.wrong("structural_tag", "a structural tag");
  const structure = usable(format, "structural_tag", () => tagStructure(inner, false));
  if (structure.kind === "tags" && structure.tags.length > MAX_STRUCTURE) throw format.wrong("structural_tag", `at most ${MAX_STRUCTURE} characters long`);
  return structure;
}
