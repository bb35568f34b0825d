/**
 * Structural tags: free text in which tags begin parts that have a form. Schemas in them become grammars, as everywhere; those of the type
 * `keywords` and `fields`, which only this engine knows, are written as the arguments of Python's calls, or with a `quote` of their own. A schema
 * may say itself whether it is meant strictly (`strict`), and which field of the request has it (`param`, and where in it: `at`).
 */

import { isRecord } from "../../support/fields.ts";
import { exactClasses } from "./classes.ts";
import { literal, refuseHalves } from "./ebnf.ts";
import { endsApart, textApart } from "./ends_apart.ts";
import { fieldGrammar } from "./field_grammar.ts";
import type { Lengths } from "./lengths.ts";
import { PatternError, textGrammar } from "./pattern.ts";
import { KEYWORDS, OBJECT } from "./properties.ts";
import { schemaGrammar } from "./schema.ts";
import { SchemaError, pointer } from "./schema_fields.ts";
import { MAX_GRAMMAR_FORM } from "./structure.ts";

const MAX_DEPTH = 32;
const SCHEMAS = ["json_schema", "keywords", "fields"];

function withGrammars(format: unknown, isStrict: boolean, lengths: Lengths | undefined, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new SchemaError(path, `it is nested more than ${MAX_DEPTH} deep`);
  if (Array.isArray(format)) return format.map((part, i) => withGrammars(part, isStrict, lengths, pointer(path, i), depth + 1));
  if (typeof format === "string" && format.length > MAX_GRAMMAR_FORM) throw new SchemaError(path, `it is longer than ${MAX_GRAMMAR_FORM} characters`);
  if (typeof format === "string") refuseHalves(format);
  if (!isRecord(format)) return format;
  if (format["type"] === "or" && lengths !== undefined) lengths.hasChoices = true;
  if (!SCHEMAS.includes(String(format["type"]))) {
    return ownGrammar(Object.fromEntries(Object.entries(format).map(([key, part]) => [key, withGrammars(part, isStrict, lengths, pointer(path, key), depth + 1)])), path);
  }
  const { quote, param, at = "#", strict = isStrict } = format;
  try {
    const schema = format["json_schema"] ?? true;
    if (typeof quote === "string") return { type: "grammar", grammar: endsApart(fieldGrammar(schema, quote, strict === true)) };
    return { type: "grammar", grammar: endsApart(schemaGrammar(schema, strict === true, lengths, format["type"] === "keywords" ? KEYWORDS : OBJECT)) };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    throw typeof param === "string" ? error.within(String(at), param) : new SchemaError(`${path}/json_schema`, error.message);
  }
}

/** A grammar, a regular expression or a text that stands in a tag, as those that stand alone. */
function ownGrammar(format: Readonly<Record<string, unknown>>, path: string): Readonly<Record<string, unknown>> {
  const { type, grammar, pattern, value } = format;
  if (type === "const_string" && typeof value === "string" && value !== "") return { type: "grammar", grammar: textApart(literal(value)) };
  if (type === "grammar" && typeof grammar === "string") return { ...format, grammar: endsApart(exactClasses(grammar)) };
  if (type !== "regex" || typeof pattern !== "string") return format;
  try {
    return { type: "grammar", grammar: endsApart(textGrammar(pattern)) };
  } catch (error) {
    throw error instanceof PatternError ? new SchemaError(pointer(path, "pattern"), error.message) : error;
  }
}

/** The structural tag, or what is its `format`, as xgrammar reads it. Raises SchemaError where a schema in it cannot be used. */
export function tagGrammar(tag: unknown, isStrict: boolean, lengths: Lengths | undefined): string {
  const format = isRecord(tag) ? tag["format"] ?? tag : tag;
  if (!isRecord(format) || typeof format["type"] !== "string") throw new SchemaError("#", "a format has a type");
  return JSON.stringify({ type: "structural_tag", format: withGrammars(format, isStrict, lengths, "#", 0) });
}
