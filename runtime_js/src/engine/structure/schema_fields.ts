/** The keywords of one subschema, read from an untrusted value. */

import { isRecord } from "../../support/fields.ts";

export type Json = Readonly<Record<string, unknown>>;

/** What is wrong with a schema, and where: a JSON pointer like `#/properties/age`. */
export class SchemaError extends Error {
  /** param: the field of the request that has the schema, where it is not the one that asks for the form. */
  constructor(readonly path: string, readonly reason: string, readonly param?: string) {
    super(`${reason} (at ${path})`);
  }

  /** The same of a schema that is a part of another, or in another field. */
  within(path: string, param: string): SchemaError {
    return new SchemaError(`${path}${this.path.slice(1)}`, this.reason, this.param ?? param);
  }
}

const MAX_TEXT = 2048;
const MAX_NAMES = 2048;
/** Of characters, items and properties. */
const MAX_COUNT = 1 << 16;

export function pointer(path: string, key: string | number): string {
  return `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function own(value: unknown, key: string): unknown {
  return isRecord(value) || Array.isArray(value) ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;
}

/** The subschema that a reference, `#` or `#/...`, names; undefined where there is none. */
export function resolve(root: unknown, reference: string): unknown {
  const parts = reference.split("/").slice(1);
  return parts.reduce<unknown>((at, part) => own(at, unescaped(part).replaceAll("~1", "/").replaceAll("~0", "~")), root);
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export class SchemaFields {
  readonly #schema: Json;
  readonly #path: string;

  constructor(schema: Json, path: string) {
    [this.#schema, this.#path] = [schema, path];
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get(key: string): unknown {
    return own(this.#schema, key);
  }

  #wrong(key: string, expected: string): SchemaError {
    return new SchemaError(pointer(this.#path, key), `it must be ${expected}`);
  }

  number(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw this.#wrong(key, "a number");
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || (typeof value === "string" && value.length <= MAX_TEXT)) return value;
    throw this.#wrong(key, `a text of at most ${MAX_TEXT} characters`);
  }

  /** How few and how many there may be. */
  counts(least: string, most: string): [number, number] {
    const [low, high] = [[least, 0], [most, Infinity]].map(([key, absent]) => {
      const value = this.number(String(key)) ?? Number(absent);
      if (value === absent || (Number.isInteger(value) && value >= 0 && value <= MAX_COUNT)) return value;
      throw this.#wrong(String(key), `an integer from 0 to ${MAX_COUNT}`);
    });
    if (low === undefined || high === undefined || low > high) throw new SchemaError(this.#path, `${least} is greater than ${most}`);
    return [low, high];
  }

  list(key: string, most: number): readonly unknown[] {
    const value = this.get(key) ?? [];
    if (Array.isArray(value) && value.length <= most) return value;
    throw this.#wrong(key, `a list of at most ${most} entries`);
  }

  names(key: string): readonly string[] {
    const names = this.list(key, MAX_NAMES);
    const texts = names.filter((name) => typeof name === "string");
    if (texts.length < names.length) throw this.#wrong(key, "a list of names");
    return [...new Set(texts)];
  }

  /** Subschemas by name. */
  schemas(key: string): ReadonlyMap<string, unknown> {
    const value = this.get(key) ?? {};
    if (!isRecord(value) || Object.keys(value).length > MAX_NAMES) throw this.#wrong(key, `an object of at most ${MAX_NAMES} schemas`);
    return new Map(Object.entries(value));
  }
}
