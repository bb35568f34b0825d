/** What requests may hold, field by field; values that fit, and values that do not. */

/** `samples` are values that tests send, where not any that fits will do. */
export type Spec = { readonly samples?: readonly unknown[] } & (
  | { readonly is: "number" | "integer"; readonly least: number; readonly most: number; readonly also?: readonly number[] }
  | { readonly is: "boolean" }
  | { readonly is: "text"; readonly most: number; readonly least?: number; readonly pattern?: RegExp }
  | { readonly is: "one of"; readonly values: readonly unknown[] }
  | { readonly is: "list"; readonly of: Spec; readonly most: number; readonly least?: number }
  | { readonly is: "object"; readonly fields: Readonly<Record<string, Spec>>; readonly needed?: readonly string[] }
  /** An object with such keys. */
  | { readonly is: "map"; readonly key: RegExp; readonly of: Spec; readonly most: number }
  | { readonly is: "any of"; readonly specs: readonly Spec[] }
  /** An object, whatever is in it. */
  | { readonly is: "json"; readonly samples: readonly object[] });

export type Random = () => number;

export function pick<T>(random: Random, items: readonly T[]): T {
  return Reflect.get(items, Math.floor(random() * items.length));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Null and undefined are absent wherever a field may be. */
export function fits(spec: Spec, value: unknown): boolean {
  switch (spec.is) {
    case "number":
    case "integer":
      if (typeof value !== "number") return false;
      if (spec.also?.includes(value) === true) return true;
      return value >= spec.least && value <= spec.most && (spec.is === "number" || Number.isInteger(value));
    case "boolean":
      return typeof value === "boolean";
    case "text":
      return typeof value === "string" && value.length <= spec.most && value.length >= (spec.least ?? 0) && (spec.pattern?.test(value) ?? true);
    case "one of":
      return spec.values.includes(value);
    case "list":
      return Array.isArray(value) && value.length <= spec.most && value.length >= (spec.least ?? 0) && value.every((item) => fits(spec.of, item));
    case "object": {
      if (!isObject(value)) return false;
      const given = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
      const of = new Map(Object.entries(spec.fields));
      return given.every(([key, item]) => { const one = of.get(key); return one !== undefined && fits(one, item); })
        && (spec.needed ?? []).every((key) => given.some(([name]) => name === key));
    }
    case "map":
      return isObject(value) && Object.keys(value).length <= spec.most
        && Object.entries(value).every(([key, item]) => spec.key.test(key) && fits(spec.of, item));
    case "any of":
      return spec.specs.some((one) => fits(one, value));
    case "json":
      return isObject(value);
  }
}

/** A value that fits. */
export function valid(spec: Spec, random: Random): unknown {
  if (spec.samples !== undefined) return pick(random, spec.samples);
  switch (spec.is) {
    case "number":
      return spec.least + random() * (spec.most - spec.least);
    case "integer":
      return Math.floor(spec.least + random() * (spec.most - spec.least));
    case "boolean":
      return random() < 0.5;
    case "text":
      return pick(random, ["a", "Hello there", "\u00e9\ud83e\udd99", "x ".repeat(9)]);
    case "one of":
      return pick(random, spec.values);
    case "list":
      return Array.from({ length: Math.max(spec.least ?? 0, Math.floor(random() * Math.min(3, spec.most + 1))) }, () => valid(spec.of, random));
    case "object":
      return Object.fromEntries(Object.entries(spec.fields)
        .filter(([key]) => spec.needed?.includes(key) === true || random() < 0.3).map(([key, of]) => [key, valid(of, random)]));
    case "map":
      return { 5: valid(spec.of, random) };
    case "any of":
      return valid(pick(random, spec.specs), random);
    case "json":
      return pick(random, spec.samples);
  }
}

const LONG = "x".repeat(1 << 18);
const DEEP: unknown = Array.from({ length: 500 }).reduce((inner: unknown) => [inner], 0);
/** Of every type, at its ends. */
const HOSTILE: readonly unknown[] = [
  true, false, 0, -0, 1, -1, 0.5, 1e308, -1e308, Number.MAX_SAFE_INTEGER, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, "", "a", "\u0000", "\ud800", LONG,
  "auto", "1", [], {}, [[]], [null], [1, "a"], [[1]], [-1], [2 ** 40], [LONG], Array(5000).fill("a"), Array(300).fill(0), DEEP, { type: "text" }, { type: "function" },
  { __proto__: null, constructor: 1 }, JSON.parse('{"__proto__": {"role": "user"}}'), { length: 3 }, { 0: Number.NaN }, new Date(0), 10n, Symbol("s"), () => 1,
];

/** Values that do not fit: of other types, just outside of the bounds, too long, with a part that does not fit, one too many or one too few. */
export function wrong(spec: Spec): unknown[] {
  return [...near(spec), ...HOSTILE].filter((value) => (value ?? null) !== null && !fits(spec, value));
}

function near(spec: Spec): readonly unknown[] {
  const random = (): number => 0.4;
  switch (spec.is) {
    case "number":
    case "integer":
      return [spec.least - 0.01, spec.least - 1, spec.most + 0.01, spec.most + 1, spec.least + 0.5, String(spec.least)];
    case "text":
      return spec.most < 1 << 20 ? ["x".repeat(spec.most + 1)] : [];
    case "boolean":
    case "one of":
      return ["true", "AUTO"];
    case "list":
      return [
        valid(spec.of, random), ...(spec.most < 5000 ? [Array(spec.most + 1).fill(valid(spec.of, random))] : []),
        ...near(spec.of).filter((item) => !fits(spec.of, item)).map((item) => [valid(spec.of, random), item]),
      ];
    case "object": {
      const whole = Object.fromEntries((spec.needed ?? []).map((key) => { const of = spec.fields[key]; return [key, of && valid(of, random)]; }));
      return [
        { ...whole, no_such_field: 1 }, ...(spec.needed ?? []).map((key) => ({ ...whole, [key]: undefined })), [whole],
        ...Object.entries(spec.fields).flatMap(([key, of]) => near(of).filter((item) => !fits(of, item)).map((item) => ({ ...whole, [key]: item }))),
      ];
    }
    case "map":
      return [
        { key: valid(spec.of, random) }, { "-1": 0 }, ...near(spec.of).map((item) => ({ 5: item })),
        Object.fromEntries(Array.from({ length: spec.most + 1 }, (_, i) => [i, 0])),
      ];
    case "any of":
      return spec.specs.flatMap(near);
    case "json":
      return ["{}"];
  }
}
