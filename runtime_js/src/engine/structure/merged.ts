/** Several schemas that hold at once, as one, where that says the same. */

import { isRecord } from "../../support/fields.ts";
import type { Json } from "./schema_fields.ts";

/** What these say depends on what else stands in their schema: beside those of another one they would say something else. */
const ABOUT_OTHERS: readonly (readonly [keys: readonly string[], others: readonly string[]])[] = [
  [["additionalProperties", "unevaluatedProperties"], ["properties", "patternProperties", "additionalProperties", "unevaluatedProperties"]],
  [["items", "unevaluatedItems"], ["prefixItems", "items", "unevaluatedItems"]],
  [["then", "else"], ["if"]], [["minContains", "maxContains"], ["contains"]],
];

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What both say of one keyword; undefined where that is not known. */
function both(key: string, a: unknown, b: unknown): unknown {
  if (isSame(a, b)) return a;
  if (key === "required" && Array.isArray(a) && Array.isArray(b)) return [...new Set([...a, ...b])];
  if (key !== "properties" || !isRecord(a) || !isRecord(b)) return undefined;
  return Object.keys(a).some((name) => Object.hasOwn(b, name)) ? undefined : Object.fromEntries([...Object.entries(a), ...Object.entries(b)]);
}

function areMixed(a: Json, b: Json): boolean {
  const has = (schema: Json, keys: readonly string[]): boolean => keys.some((key) => Object.hasOwn(schema, key));
  return ABOUT_OTHERS.some(([keys, others]) => (has(a, keys) && has(b, others)) || (has(b, keys) && has(a, others)));
}

/** Undefined where one schema cannot say what all of these say. `ignored`: keywords that say nothing. */
export function merged(schemas: readonly unknown[], ignored: ReadonlySet<string>): Json | undefined {
  const all = new Map<string, unknown>();
  for (const schema of schemas) {
    if (schema === true) continue;
    if (!isRecord(schema) || areMixed(Object.fromEntries(all), schema)) return undefined;
    for (const [key, value] of Object.entries(schema)) {
      if (ignored.has(key) || value === undefined) continue;
      const said = all.has(key) ? both(key, all.get(key), value) : value;
      if (said === undefined) return undefined;
      all.set(key, said);
    }
  }
  return Object.fromEntries(all);
}
