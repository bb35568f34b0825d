/**
 * Reads untrusted, JSON-like values (messages, manifests, plans, requests). Each call checks one field against a
 * type and a bound; what fails is reported with its path by the error that the caller chose.
 */

/** Makes the error; `path` names the field that is wrong, where it is one. */
export type Fail = (message: string, path?: string) => Error;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : `a value of type ${typeof value}`;
}

/** Without the keys whose value is undefined. */
export function present<T extends object>(value: T): T {
  for (const key of Reflect.ownKeys(value)) if (Reflect.get(value, key) === undefined) Reflect.deleteProperty(value, key);
  return value;
}

/** Characters of a name. */
const MOST_NAME = 100;

export class Fields {
  readonly #values: Record<string, unknown>;

  constructor(value: unknown, readonly path: string, readonly fail: Fail) {
    if (!isRecord(value)) throw fail(`${path} must be an object, not ${describe(value)}`, path);
    this.#values = value;
  }

  /** A name that nobody knows may have any length, or none: so much of it is told. */
  at(key: string): string {
    const name = key.slice(0, MOST_NAME) || '""';
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key) && this.#values[key] !== undefined && this.#values[key] !== null;
  }

  raw(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }

  keys(): string[] {
    return Object.keys(this.#values);
  }

  wrong(key: string, expected: string): Error {
    const value = this.raw(key);
    return this.fail(`${this.at(key)} must be ${expected}, ${value === undefined ? "and is missing" : `not ${describe(value)}`}`, this.at(key));
  }

  string(key: string, maxLength: number): string {
    const value = this.raw(key);
    if (typeof value !== "string") throw this.wrong(key, "a string");
    if (value.length > maxLength) throw this.wrong(key, `at most ${maxLength} characters long`);
    return value;
  }

  boolean(key: string): boolean {
    const value = this.raw(key);
    if (typeof value !== "boolean") throw this.wrong(key, "true or false");
    return value;
  }

  number(key: string, min: number, max: number): number {
    const value = this.raw(key);
    if (typeof value !== "number" || !(value >= min && value <= max)) throw this.wrong(key, `a number from ${min} to ${max}`);
    return value;
  }

  integer(key: string, min: number, max: number): number {
    const value = this.raw(key);
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.wrong(key, `an integer from ${min} to ${max}`);
    }
    return value;
  }

  oneOf<const T extends string | number>(key: string, choices: readonly T[]): T {
    const value = this.raw(key);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.wrong(key, choices.map((choice) => JSON.stringify(choice)).join(" or "));
    return found;
  }

  object(key: string): Fields {
    return new Fields(this.raw(key), this.at(key), this.fail);
  }

  array<T>(key: string, maxLength: number, read: (value: unknown, path: string) => T): T[] {
    const path = this.at(key);
    return this.#items(key, maxLength).map((item, i) => read(item, `${path}[${i}]`));
  }

  #items(key: string, maxLength: number): readonly unknown[] {
    const value = this.raw(key);
    if (!Array.isArray(value)) throw this.wrong(key, "an array");
    if (value.length > maxLength) throw this.fail(`${this.at(key)} has ${value.length} entries; at most ${maxLength} are allowed`, this.at(key));
    return value;
  }

  objects<T>(key: string, maxLength: number, read: (item: Fields) => T): T[] {
    return this.array(key, maxLength, (value, path) => read(new Fields(value, path, this.fail)));
  }

  integers(key: string, maxLength: number, min: number, max: number): number[] {
    const items = this.#items(key, maxLength);
    const integers: number[] = [];
    for (const value of items) {
      if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
        const path = `${this.at(key)}[${integers.length}]`; // made here alone: a plan has tens of thousands of them
        throw this.fail(`${path} must be an integer from ${min} to ${max}, not ${describe(value)}`, path);
      }
      integers.push(value);
    }
    return integers;
  }

  /** A field that may be absent or null: undefined then. */
  optional<T>(key: string, read: (key: string) => T): T | undefined {
    return this.has(key) ? read(key) : undefined;
  }

  /** Names the first key that is not known: what would be ignored is an error instead. Null is absent. */
  onlyKeys(known: readonly string[]): void {
    const unknown = this.keys().find((key) => !known.includes(key) && this.has(key));
    if (unknown !== undefined) throw this.fail(`${this.at(unknown)} is not known here; known are ${known.join(", ")}`, this.at(unknown));
  }
}
