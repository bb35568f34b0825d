/** Whether schemas exclude each other, as far as their types and values tell. */

import { isRecord } from "../../support/fields.ts";
import { resolve, type Json } from "./schema_fields.ts";

/** A schema, or what it refers to. */
function target(schema: unknown, root: unknown): Json | undefined {
  const reference = isRecord(schema) ? schema["$ref"] : undefined;
  const found = typeof reference === "string" ? resolve(root, reference) : schema;
  return isRecord(found) ? found : undefined;
}

/** The values that a schema names, as JSON. */
function valuesOf(schema: Json | undefined): readonly unknown[] | undefined {
  if (schema === undefined) return undefined;
  if (schema["const"] !== undefined) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function typesOf(schema: Json): readonly string[] | undefined {
  const values = valuesOf(schema);
  if (values !== undefined) return values.map(typeOf);
  const type = schema["type"];
  return type === undefined ? undefined : [type].flat().map((name) => (name === "integer" ? "number" : String(name)));
}

function shareNone(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const texts = new Set(a.map((value) => JSON.stringify(value)));
  return b.every((value) => !texts.has(JSON.stringify(value)));
}

/** Whether values of two types or sets fit only one, or objects have a property that does. */
function areTwoApart(a: Json, b: Json, root: unknown): boolean {
  if (shareNone(typesOf(a), typesOf(b)) || shareNone(valuesOf(a), valuesOf(b))) return true;
  if (a["type"] !== "object" || b["type"] !== "object") return false;
  const [required, other] = [a["required"], b["required"]];
  const [properties, others] = [a["properties"], b["properties"]];
  if (!Array.isArray(required) || !Array.isArray(other) || !isRecord(properties) || !isRecord(others)) return false;
  return required.some((name) => typeof name === "string" && other.includes(name)
    && shareNone(valuesOf(target(properties[name], root)), valuesOf(target(others[name], root))));
}

/** Whether no value fits two of the schemas. */
export function areApart(schemas: readonly unknown[], root: unknown): boolean {
  const targets = schemas.map((schema) => target(schema, root));
  return targets.every((a, i) => targets.slice(0, i).every((b) => a !== undefined && b !== undefined && areTwoApart(a, b, root)));
}

/** Whether the first letter of a value tells which of the schemas it follows. */
export function beginApart(schemas: readonly unknown[], root: unknown): boolean {
  const types = schemas.map((schema) => target(schema, root)?.["type"]);
  return types.every((type, i) => typeof type === "string" && types.indexOf(type) === i);
}
