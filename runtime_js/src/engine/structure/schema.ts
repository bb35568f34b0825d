/**
 * JSON Schema (draft 2020-12) to grammars. A grammar allows nothing that its schema does not: what it cannot say is said more narrowly, or
 * refused where the schema is meant strictly, else left to the model. An object that names properties has no others unless its schema gives
 * `additionalProperties`. Schemas are hostile: sizes are bounded.
 */

import { isRecord } from "../../support/fields.ts";
import { areApart, beginApart } from "./apart.ts";
import { anyOf, COLON, COMMA, literal, repeated, Rules, separated } from "./ebnf.ts";
import type { Lengths } from "./lengths.ts";
import { merged } from "./merged.ts";
import { integerRange, numberRange } from "./number_range.ts";
import { PatternError, patternGrammar, runOf } from "./pattern.ts";
import { formatPattern } from "./formats.ts";
import { OBJECT, otherNames, propertiesGrammar, type Notation } from "./properties.ts";
import { SchemaError, SchemaFields, pointer, resolve, type Json } from "./schema_fields.ts";
import { tooLong, tooLongRules } from "./shortest.ts";

const MAX_DEPTH = 48;
const MAX_SUBSCHEMAS = 4096;
const MAX_VALUES = 8192;
/** Characters of one class that a grammar itself counts well. */
const SHORT = 8;

const TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"] as const;
type Type = (typeof TYPES)[number];

/** Keywords that say something about values of one type only. A schema that has them and no type is taken for one of that type. */
const KEYWORDS: Readonly<Record<"string" | "number" | "array" | "object", readonly string[]>> = {
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  array: ["items", "prefixItems", "minItems", "maxItems", "unevaluatedItems"],
  object: ["properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties"],
};
const TYPED = Object.values(KEYWORDS).flat();

/** They say nothing about a value. */
const ANNOTATIONS = new Set([
  "$schema", "$id", "$comment", "$anchor", "$vocabulary", "$defs", "definitions", "title", "description", "default", "examples", "deprecated",
  "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema", "discriminator",
]);

/** Where such a keyword is, a grammar holds no other but a type; schemas of a list may become one with it. */
const LISTS = ["anyOf", "oneOf", "allOf"];
const ALONE = ["$ref", "const", "enum", ...LISTS];

/** Where a subschema stands. */
interface Place {
  readonly path: string;
  readonly depth: number;
  /** References that lead to here and not into a value: one that leads to itself has no end. */
  readonly heads: readonly string[];
}

function inside({ path, depth }: Place, key: string | number): Place {
  return { path: pointer(path, key), depth: depth + 1, heads: [] };
}

class Converter {
  readonly #root: unknown;
  readonly #isStrict: boolean;
  readonly #lengths: Lengths | undefined;
  readonly #rules = new Rules();
  /** The rule of what a reference leads to. */
  readonly #references = new Map<string, string>();
  /** Where the schema of a rule stands. */
  readonly #paths = new Map<string, string>();
  #subschemas = 0;

  constructor(root: unknown, isStrict: boolean, lengths: Lengths | undefined) {
    [this.#root, this.#isStrict, this.#lengths] = [root, isStrict, lengths];
  }

  /** The properties of an object alone, in another notation. */
  properties(notation: Notation): string {
    const schema = this.#root;
    if (!isRecord(schema)) throw new SchemaError("#", "a schema must be an object");
    for (const key of Object.keys(schema)) if (key !== "type" && !ANNOTATIONS.has(key) && !KEYWORDS.object.includes(key)) this.#leaveOut("#", key);
    const place = { path: "#", depth: 0, heads: [] };
    return this.#print(this.#object(new SchemaFields(schema, "#"), place, notation));
  }

  grammar(): string {
    return this.#print(this.#value(this.#root, { path: "#", depth: 0, heads: ["#"] }, "#"));
  }

  #print(root: string): string {
    const grammar = this.#rules.print(root);
    const [inner] = [...tooLongRules(grammar)].filter(([name]) => this.#paths.has(name)).reverse();
    if (inner !== undefined) throw new SchemaError(this.#paths.get(inner[0]) ?? "#", tooLong("a value of it", inner[1]));
    return grammar;
  }

  /** What a schema allows, as a piece of a rule. */
  #value(schema: unknown, place: Place, reference?: string): string {
    const { path, depth } = place;
    if (schema === true) return "json_value";
    if (schema === false) throw new SchemaError(path, "no value fits the schema false");
    if (!isRecord(schema)) throw new SchemaError(path, "a schema must be an object or true");
    if (depth > MAX_DEPTH) throw new SchemaError(path, `it is nested more than ${MAX_DEPTH} deep`);
    if (++this.#subschemas > MAX_SUBSCHEMAS) throw new SchemaError("#", `it has more than ${MAX_SUBSCHEMAS} parts`);
    const name = this.#rules.reserve();
    this.#paths.set(name, path);
    if (reference !== undefined) this.#references.set(reference, name);
    this.#rules.set(name, this.#body(schema, place));
    if (this.#rules.isTooLarge) throw new SchemaError(path, "its grammar is too large");
    return name;
  }

  #body(schema: Json, place: Place): string {
    const keys = Object.keys(schema).filter((key) => schema[key] !== undefined && !ANNOTATIONS.has(key) && !saysNothing(schema, key));
    const alone = ALONE.find((key) => keys.includes(key));
    if (alone === undefined) return this.#typed(schema, keys, place);
    const one = this.#asOne(schema, keys, alone, place);
    if (one !== undefined) return this.#body(one, { ...place, heads: [...place.heads, ...headsOf(schema[alone])] });
    const hasType = alone === "const" || alone === "enum";
    for (const key of keys) if (key !== alone && !(key === "type" && hasType)) this.#leaveOut(place.path, key);
    const fields = new SchemaFields(schema, place.path);
    switch (alone) {
      case "$ref":
        return this.#reference(schema[alone], place);
      case "const":
        return anyOf(this.#values([schema[alone]], schema, pointer(place.path, alone)));
      case "enum":
        return anyOf(this.#values(fields.list(alone, MAX_VALUES), schema, pointer(place.path, alone)));
      default:
        return this.#choices(alone, fields.list(alone, MAX_SUBSCHEMAS), place);
    }
  }

  /** What schemas that hold at once, and what stands beside choices, say as one schema; undefined where nothing does, or no schema can. */
  #asOne(schema: Json, keys: readonly string[], alone: string, { path, heads }: Place): Json | undefined {
    const listed: unknown = schema[alone];
    if (!Array.isArray(listed) || !LISTS.includes(alone) || (keys.length < 2 && (alone !== "allOf" || listed.length < 2))) return undefined;
    const { [alone]: _, ...beside } = schema;
    const resolved = listed.map((one: unknown) => {
      const reference: unknown = isRecord(one) && Object.keys(one).length === 1 ? one["$ref"] : undefined;
      if (typeof reference !== "string" || !reference.startsWith("#")) return one;
      if (heads.includes(reference)) throw new SchemaError(path, `${reference} leads to itself`);
      return resolve(this.#root, reference);
    });
    if (alone === "allOf") return merged([beside, ...resolved], ANNOTATIONS);
    const choices = resolved.map((one) => merged([beside, one], ANNOTATIONS));
    return choices.every((one) => one !== undefined) ? { [alone]: choices } : undefined;
  }

  /** Refuses a keyword that a grammar cannot hold where it is, if the schema is meant strictly. */
  #leaveOut(path: string, key: string, reason = `a grammar cannot hold ${key} here`): void {
    if (this.#isStrict) throw new SchemaError(pointer(path, key), `${reason}; leave it out, or leave out strict`);
  }

  #choices(key: string, schemas: readonly unknown[], { path, depth, heads }: Place): string {
    if (schemas.length === 0) throw new SchemaError(pointer(path, key), "it must have a schema");
    if (key === "allOf" && schemas.length > 1) this.#leaveOut(path, key, "a grammar cannot hold several schemas at once");
    if (key === "oneOf" && !areApart(schemas, this.#root)) this.#leaveOut(path, key, "a value may fit several of its schemas, whose types or constants do not tell");
    if (this.#lengths !== undefined && key !== "allOf" && !beginApart(schemas, this.#root)) this.#lengths.hasChoices = true;
    const at = (i: number): Place => ({ path: pointer(pointer(path, key), i), depth: depth + 1, heads });
    const all = schemas.map((schema, i) => ({ schema, i }));
    const possible = key === "allOf" ? all.slice(0, 1) : all.filter(({ schema }) => schema !== false);
    return anyOf((possible.length > 0 ? possible : all).map(({ schema, i }) => this.#value(schema, at(i))));
  }

  #reference(value: unknown, { path, depth, heads }: Place): string {
    const at = pointer(path, "$ref");
    if (typeof value !== "string" || !(value === "#" || value.startsWith("#/"))) {
      throw new SchemaError(at, "it must lead to a part of the schema itself, as #/$defs/name does");
    }
    if (heads.includes(value)) throw new SchemaError(at, `${value} leads to itself`);
    const known = this.#references.get(value);
    if (known !== undefined) return known;
    const target = resolve(this.#root, value);
    if (target === undefined) throw new SchemaError(at, `${value} leads nowhere`);
    return this.#value(target, { path: value, depth: depth + 1, heads: [...heads, value] }, value);
  }

  #values(values: readonly unknown[], { type }: Json, path: string): string[] {
    const types = type === undefined ? TYPES : this.#types(type, path);
    const fitting = values.filter((value) => types.some((name) => isOfType(value, name)));
    if (fitting.length === 0) throw new SchemaError(path, "none of its values fits");
    return fitting.map((value) => literal(dumps(value)));
  }

  #types(type: unknown, path: string): readonly Type[] {
    const types = [type].flat().map((name) => TYPES.find((known) => known === name));
    const known = types.filter((name) => name !== undefined);
    if (known.length === 0 || known.length < types.length) throw new SchemaError(path, `a type is one of ${TYPES.join(", ")}`);
    return known;
  }

  #typed(schema: Json, keys: readonly string[], place: Place): string {
    const { path } = place;
    for (const key of keys) if (key !== "type" && !TYPED.includes(key)) this.#leaveOut(path, key);
    const inferred = Object.entries(KEYWORDS).filter(([, words]) => words.some((word) => keys.includes(word))).map(([name]) => name);
    if (schema["type"] === undefined && inferred.length === 0) return "json_value";
    const types = this.#types(schema["type"] ?? inferred, pointer(path, "type"));
    const fields = new SchemaFields(schema, path);
    return anyOf(types.map((type) => this.#ofType(type, fields, place)));
  }

  #ofType(type: Type, fields: SchemaFields, place: Place): string {
    switch (type) {
      case "null": return literal("null");
      case "boolean": return anyOf([literal("true"), literal("false")]);
      case "integer":
      case "number": return this.#number(type, fields, place.path);
      case "string": return this.#string(fields, place.path);
      case "array": return this.#array(fields, place);
      case "object": return this.#object(fields, place);
    }
  }

  #number(type: "integer" | "number", fields: SchemaFields, path: string): string {
    const bounds = Object.fromEntries(KEYWORDS.number.map((key) => [key, fields.number(key)]));
    if (Object.values(bounds).every((bound) => bound === undefined)) return `json_${type}`;
    const range = type === "integer" ? integerRange(bounds) : numberRange(bounds);
    if (range === undefined) throw new SchemaError(path, "no number is between its bounds");
    return range;
  }

  #string(fields: SchemaFields, path: string): string {
    const pattern = fields.text("pattern") ?? formatPattern(fields.text("format"));
    const [least, most] = fields.counts("minLength", "maxLength");
    if (pattern !== undefined) {
      try {
        const run = runOf(pattern);
        if (run !== undefined) return this.#run(run.piece, `(${run.piece})* "\\""`, Math.max(least, run.least), Math.min(most, run.most), path);
        for (const key of ["minLength", "maxLength"]) if (fields.has(key)) this.#leaveOut(path, key, "a grammar cannot hold a length beside such a pattern or format");
        return `"\\"" ${patternGrammar(pattern)} "\\""`;
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        this.#leaveOut(path, "pattern", error.message);
      }
    }
    return least === 0 && most === Infinity ? "json_string" : this.#run("json_char", "json_rest", least, most, path);
  }

  /** A string of characters of one kind: one of them, and any number with the closing quote. */
  #run(piece: string, rest: string, least: number, most: number, path: string): string {
    if (least > most) throw new SchemaError(path, "no text is so long, and fits its pattern");
    const isLong = (most === Infinity ? least : most) > (piece === "json_char" ? 0 : SHORT);
    return (isLong ? this.#lengths?.string(rest, least, most) : undefined) ?? `"\\"" ${repeated(piece, least, most)} "\\""`;
  }

  #array(fields: SchemaFields, place: Place): string {
    const [least, most] = fields.counts("minItems", "maxItems");
    const prefix = fields.list("prefixItems", MAX_SUBSCHEMAS).slice(0, most)
      .map((schema, i) => this.#value(schema, inside(inside(place, "prefixItems"), i)));
    const key = fields.has("items") ? "items" : "unevaluatedItems";
    const isClosed = fields.get(key) === false || (!fields.has(key) && prefix.length > 0);
    if (isClosed && least > prefix.length) throw new SchemaError(place.path, "it must have more items than it may");
    const item = isClosed ? "" : this.#value(fields.get(key) ?? true, inside(place, key));
    const [low, high] = [Math.max(0, least - prefix.length), isClosed ? 0 : most - prefix.length];
    const start = prefix.join(` ${COMMA} `);
    if (prefix.length === 0) return `"[" ${separated(item, COMMA, low, high)} "]"`;
    return `"[" ${start} ${repeated(`${COMMA} ${item}`, low, high)} "]"`;
  }

  #object(fields: SchemaFields, place: Place, notation = OBJECT): string {
    const required = fields.names("required");
    const others = fields.get(fields.has("additionalProperties") ? "additionalProperties" : "unevaluatedProperties");
    const [otherKey, patterns] = [fields.has("additionalProperties") ? "additionalProperties" : "unevaluatedProperties", fields.schemas("patternProperties")];
    const properties = fields.schemas("properties");
    const missing = required.find((name) => !properties.has(name));
    if (missing !== undefined && others === false) throw new SchemaError(pointer(place.path, "required"), `${literal(missing)} is required, and may not be there`);
    const there = [...properties].filter(([name, schema]) => schema !== false || required.includes(name));
    const named = new Map(there.map(([name, schema]): [string, string] => [name, this.#value(schema, inside(inside(place, "properties"), name))]));
    const isOpen = others !== undefined ? others !== false : properties.size === 0 && patterns.size === 0 && required.length === 0;
    const other = isOpen || missing !== undefined ? this.#value(others === false ? true : others ?? true, inside(place, otherKey)) : "";
    for (const name of required) if (!named.has(name)) named.set(name, other);
    const members = isOpen ? [`${this.#names(fields, place, [...new Set([...properties.keys(), ...named.keys()])])} ${COLON} ${other}`] : [];
    if (!isOpen && fields.has("propertyNames") && fields.get("propertyNames") !== true) {
      this.#leaveOut(place.path, "propertyNames", "a grammar cannot hold it beside named properties or patterns");
    }
    if (patterns.size > 0 && named.size > 0) this.#leaveOut(place.path, "patternProperties", "a grammar cannot hold it beside named properties");
    else for (const [pattern, schema] of patterns) members.push(this.#patternMember(pattern, schema, inside(place, "patternProperties")));
    if (this.#lengths !== undefined && members.length > 1) this.#lengths.hasChoices = true;
    return this.#members(fields, place.path, notation, named, required, notation === OBJECT ? members : []);
  }

  #members(
    fields: SchemaFields, path: string, notation: Notation, named: ReadonlyMap<string, string>, required: readonly string[], others: readonly string[],
  ): string {
    const [least, most] = fields.counts("minProperties", "maxProperties");
    const isMany = least > required.length && (named.size > 0 || least > 1);
    if (isMany) this.#leaveOut(path, "minProperties", "a grammar cannot count properties");
    if (named.size === 0) {
      if (others.length === 0 && least > 0) this.#leaveOut(path, "minProperties", "there must be more properties than there may be");
      const any = others.length === 0 ? '""' : separated(this.#rules.add(anyOf(others)), COMMA, Math.min(least, most), most);
      return `${notation.open} ${any} ${notation.close}`;
    }
    const mostOthers = most - named.size;
    if (mostOthers < 0) this.#leaveOut(path, "maxProperties", "a grammar cannot count properties");
    const other = others.length === 0 || mostOthers <= 0 ? undefined : this.#rules.add(anyOf(others));
    return propertiesGrammar(this.#rules, notation, named, new Set(required), other, mostOthers);
  }

  /** The names of properties that have no name yet. */
  #names(fields: SchemaFields, place: Place, taken: readonly string[]): string {
    const names = fields.get("propertyNames") ?? true;
    if (names === true) return taken.length === 0 ? "json_string" : otherNames(this.#rules, taken);
    if (taken.length > 0) this.#leaveOut(place.path, "propertyNames", "a grammar cannot hold it beside named properties");
    return taken.length > 0 ? otherNames(this.#rules, taken) : this.#value(isRecord(names) ? { ...names, type: "string" } : names, inside(place, "propertyNames"));
  }

  #patternMember(pattern: string, schema: unknown, place: Place): string {
    try {
      return `"\\"" ${patternGrammar(pattern)} "\\"" ${COLON} ${this.#value(schema, inside(place, pattern))}`;
    } catch (error) {
      throw error instanceof PatternError ? new SchemaError(pointer(place.path, pattern), error.message) : error;
    }
  }
}

/** References among schemas that hold at once. */
function headsOf(schemas: unknown): string[] {
  return Array.isArray(schemas) ? schemas.flatMap((one: unknown) => (isRecord(one) && typeof one["$ref"] === "string" ? [one["$ref"]] : [])) : [];
}

/** Keywords that mean nothing without another. */
function saysNothing(schema: Json, key: string): boolean {
  switch (key) {
    case "uniqueItems": return schema[key] === false;
    case "if": return schema["then"] === undefined && schema["else"] === undefined;
    case "then":
    case "else": return schema["if"] === undefined;
    case "minContains":
    case "maxContains": return schema["contains"] === undefined;
    default: return false;
  }
}

export function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "null": return value === null;
    case "array": return Array.isArray(value);
    case "object": return isRecord(value);
    case "integer": return Number.isInteger(value);
    default: return typeof value === type;
  }
}

/** JSON as Python's json.dumps writes it, without its escapes. */
function dumps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(dumps).join(", ")}]`;
  if (isRecord(value)) return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${dumps(item)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/**
 * The grammar of a schema. `lengths` takes those of strings, which the grammar counts itself where there is none. `notation`: another than
 * JSON's for the properties of the whole. Raises SchemaError.
 */
export function schemaGrammar(schema: unknown, isStrict: boolean, lengths?: Lengths, notation = OBJECT): string {
  const converter = new Converter(schema, isStrict, lengths);
  return notation === OBJECT ? converter.grammar() : converter.properties(notation);
}
