/** JSON of strangers, copied within bounds. */

import { Fields, isRecord } from "./fields.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject { readonly [key: string]: Json }

const MAX_DEPTH = 64;
const MAX_VALUES = 1 << 17;
const MAX_STRING = 1 << 24;

/** A field that is any JSON, as a copy of its own. What a value is nested too deep for, or is no JSON, raises the fields' error. */
export function readJson(fields: Fields, key: string): Json {
  let count = 0;
  const copy = (value: unknown, path: string, depth: number): Json => {
    if (++count > MAX_VALUES) throw fields.fail(`${fields.at(key)} has more than ${MAX_VALUES} values`, fields.at(key));
    if (depth > MAX_DEPTH) throw fields.fail(`${fields.at(key)} is nested deeper than ${MAX_DEPTH} levels`, fields.at(key));
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string" && value.length <= MAX_STRING) return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (Array.isArray(value)) return value.map((item: unknown, i) => copy(item, `${path}[${i}]`, depth + 1));
    if (!isRecord(value)) throw fields.fail(`${path} must be JSON`, path);
    const present = Object.entries(value).filter(([, item]) => item !== undefined); // as JSON.stringify leaves them out
    return Object.fromEntries(present.map(([name, item]) => [name, copy(item, `${path}.${name}`, depth + 1)]));
  };
  return copy(fields.raw(key), fields.at(key), 0);
}

export function isJsonObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field that is a JSON object, as a copy of its own. */
export function readJsonObject(fields: Fields, key: string): JsonObject {
  const value = readJson(fields, key);
  if (!isJsonObject(value)) throw fields.wrong(key, "an object");
  return value;
}

/** A field that is a list of JSON objects, as copies of its own. */
export function readJsonObjects(fields: Fields, key: string, maxLength: number): JsonObject[] {
  return fields.array(key, maxLength, (value, path) => readJsonObject(new Fields({ [path]: value }, "", fields.fail), path));
}

/** The value of a JSON text, undefined where it is none. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
