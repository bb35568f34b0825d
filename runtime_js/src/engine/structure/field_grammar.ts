/** Grammars of arguments that a call writes as `key:value` with texts between quotes of its own, as its tool's schema says. */

import { isRecord } from "../../support/fields.ts";
import { anyOf, literal, Rules, separated } from "./ebnf.ts";
import { integerRange, numberRange } from "./number_range.ts";
import { propertiesGrammar, type Notation } from "./properties.ts";
import { isOfType } from "./schema.ts";
import { pointer, resolve, SchemaError, SchemaFields, type Json } from "./schema_fields.ts";

const MAX_DEPTH = 32;
const MAX_CHOICES = 4096;
const COMMA = literal(",");
const key = (name: string): string => literal(`${name}:`);
const ARGUMENTS: Notation = { open: '""', close: '""', comma: COMMA, key };
const OBJECT: Notation = { open: '"{"', close: '"}"', comma: COMMA, key };

/** What a grammar of fields reads of a schema, and what says nothing about a value. */
const BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
const READ: Readonly<Record<string, readonly string[]>> = {
  string: [], boolean: [], null: [], integer: BOUNDS, number: BOUNDS, array: ["items", "minItems", "maxItems"],
  object: ["properties", "required", "additionalProperties"],
};
const ANNOTATIONS = ["title", "description", "default", "examples", "$defs", "definitions", "$schema", "$id", "$comment", "format", "type"];

class FieldConverter {
  readonly #root: unknown;
  readonly #quote: string;
  readonly #isStrict: boolean;
  readonly #rules = new Rules();

  constructor(root: unknown, quote: string, isStrict: boolean) {
    [this.#root, this.#quote, this.#isStrict] = [root, quote, isStrict];
  }

  grammar(): string {
    const schema = this.#read(this.#root === true ? {} : this.#root, "#");
    this.#leaveOut(Object.keys(schema).filter((name) => !ANNOTATIONS.includes(name) && !READ["object"]?.includes(name)), "#");
    return this.#rules.print(this.#object(schema, "#", 0, ARGUMENTS));
  }

  #read(schema: unknown, path: string): Json {
    if (!isRecord(schema)) throw new SchemaError(path, "a schema must be an object or true");
    const reference = schema["$ref"];
    if (typeof reference !== "string") return schema;
    const found = resolve(this.#root, reference);
    if (!isRecord(found) || found["$ref"] !== undefined) throw new SchemaError(pointer(path, "$ref"), `${reference} leads nowhere`);
    return found;
  }

  #value(given: unknown, path: string, depth: number): string {
    if (depth > MAX_DEPTH) throw new SchemaError(path, `it is nested more than ${MAX_DEPTH} deep`);
    if (this.#rules.isTooLarge) throw new SchemaError(path, "its grammar is too large");
    if (given === undefined || given === true) return this.#any();
    const schema = this.#read(given, path);
    const fields = new SchemaFields(schema, path);
    const types = schema["type"] === undefined ? undefined : [schema["type"]].flat().map(String);
    const values = fields.has("const") ? [fields.get("const")] : fields.list("enum", MAX_CHOICES);
    const choices = fields.list("anyOf", MAX_CHOICES);
    const read = values.length > 0 ? ["const", "enum"] : choices.length > 0 ? ["anyOf"] : (types ?? []).flatMap((type) => READ[type] ?? []);
    this.#leaveOut(Object.keys(schema).filter((name) => !ANNOTATIONS.includes(name) && !read.includes(name)), path);
    if (values.length > 0) {
      const fitting = values.filter((value) => types?.some((type) => isOfType(value, type)) ?? true);
      if (fitting.length === 0) throw new SchemaError(path, "none of its values fits");
      return anyOf(fitting.map((value) => literal(this.#written(value, path))));
    }
    if (choices.length > 0) return this.#rules.add(anyOf(choices.map((choice, i) => this.#value(choice, pointer(pointer(path, "anyOf"), i), depth + 1))));
    return types === undefined ? this.#any() : this.#rules.add(anyOf(types.map((type) => this.#ofType(type, schema, path, depth))));
  }

  #leaveOut([name]: readonly string[], path: string): void {
    if (name === undefined || !this.#isStrict) return;
    throw new SchemaError(pointer(path, name), `a grammar of such arguments cannot hold ${name} here; leave it out, or leave out strict`);
  }

  #text(): string {
    return `${literal(this.#quote)} [^${literal(this.#quote[0] ?? "").slice(1, -1)}]* ${literal(this.#quote)}`;
  }

  /** A value of no schema: what is one of no others. */
  #any(): string {
    return anyOf([this.#text(), "json_number", literal("true"), literal("false"), literal("null")]);
  }

  #ofType(type: string, schema: Json, path: string, depth: number): string {
    const fields = new SchemaFields(schema, path);
    const bounds = Object.fromEntries(BOUNDS.map((name) => [name, fields.number(name)]));
    const isBounded = Object.values(bounds).some((bound) => bound !== undefined);
    const within = (range: string | undefined): string => {
      if (range === undefined) throw new SchemaError(path, "no number is between its bounds");
      return range;
    };
    switch (type) {
      case "string": return this.#text();
      case "boolean": return anyOf([literal("true"), literal("false")]);
      case "null": return literal("null");
      case "integer": return isBounded ? within(integerRange(bounds)) : "json_integer";
      case "number": return isBounded ? within(numberRange(bounds)) : "json_number";
      case "array": {
        const [least, most] = fields.counts("minItems", "maxItems");
        return `"[" ${separated(this.#value(fields.get("items"), pointer(path, "items"), depth + 1), COMMA, least, most)} "]"`;
      }
      case "object": return this.#object(schema, path, depth, OBJECT);
      default: throw new SchemaError(pointer(path, "type"), `a type is one of ${Object.keys(READ).join(", ")}`);
    }
  }

  #object(schema: Json, path: string, depth: number, notation: Notation): string {
    const fields = new SchemaFields(schema, path);
    const properties = [...fields.schemas("properties")].map(([name, property]): [string, string] => (
      [name, this.#value(property, pointer(pointer(path, "properties"), name), depth + 1)]));
    const missing = fields.names("required").find((name) => !properties.some(([known]) => known === name));
    if (missing !== undefined) this.#leaveOut(["required"], path);
    return propertiesGrammar(this.#rules, notation, new Map(properties), new Set(fields.names("required")), undefined, 0);
  }

  #written(value: unknown, path: string): string {
    if (typeof value === "string") {
      if (value.includes(this.#quote)) throw new SchemaError(path, "a text has what closes it");
      return `${this.#quote}${value}${this.#quote}`;
    }
    if (Array.isArray(value)) return `[${value.map((item) => this.#written(item, path)).join(",")}]`;
    if (isRecord(value)) return `{${Object.entries(value).map(([name, item]) => `${name}:${this.#written(item, path)}`).join(",")}}`;
    return JSON.stringify(value);
  }
}

/** quote: what stands before and behind a text, which then has not its first letter. Raises SchemaError. */
export function fieldGrammar(schema: unknown, quote: string, isStrict: boolean): string {
  return new FieldConverter(schema, quote, isStrict).grammar();
}
