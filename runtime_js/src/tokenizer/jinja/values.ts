/** The template library's values, and what Python makes of them: their texts, their JSON, whether two are equal. */

import { Environment, type Interpreter } from "@huggingface/jinja";

export type Value = ReturnType<Interpreter["evaluate"]>;
export type Kind = "text" | "int" | "float" | "bool" | "none" | "undefined" | "list" | "dict" | "namespace" | "function";

const KINDS: Readonly<Record<string, Kind>> = {
  StringValue: "text", IntegerValue: "int", FloatValue: "float", BooleanValue: "bool", NullValue: "none", UndefinedValue: "undefined",
  ArrayValue: "list", TupleValue: "list", ObjectValue: "dict", KeywordArgumentsValue: "dict", NamespaceValue: "namespace",
};

export function kindOf(value: Value): Kind {
  return KINDS[value.type] ?? "function";
}

/** The only way to the library's values: variables of an environment. */
const scratch = new Environment();

function made(value: unknown): Value {
  scratch.variables.clear();
  return scratch.set("value", value);
}

/** Values that come often. None is ever changed. */
const [TRUE, FALSE, NONE, UNDEFINED] = [made(true), made(false), made(null), made(undefined)];
const NUMBERS = Array.from({ length: 512 }, (_, i) => made(i));

/** A JavaScript value as the library's. */
export function wrap(value: unknown): Value {
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if (value === undefined) return UNDEFINED;
  if (value === null) return NONE;
  return (typeof value === "number" ? NUMBERS[value] : undefined) ?? made(value);
}

export function listOf(items: readonly Value[]): Value {
  return Object.assign(made([]), { value: [...items] });
}

const tuples = new WeakSet<Value>();

/** A list that Python prints as a tuple. */
export function tupleOf(items: readonly Value[]): Value {
  const tuple = listOf(items);
  tuples.add(tuple);
  return tuple;
}

export function dictOf(entries: Iterable<readonly [string, Value]>): Value {
  return Object.assign(made({}), { value: new Map(entries) });
}

export function floatOf(value: number): Value {
  return Object.assign(made(0.5), { value });
}

/** Characters of a text whose marks for HTML are wanted: what is added to it has them escaped. */
const marked = new WeakSet<Value>();

export function markedText(text: string): Value {
  const value = made(text);
  marked.add(value);
  return value;
}

export function isMarked(value: Value): boolean {
  return marked.has(value);
}

export function escapedHtml(text: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&#34;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? character);
}

function refuse(value: Value, wanted: string): never {
  throw new Error(`${kindOf(value)} is not ${wanted}`);
}

export function textOf(value: Value): string {
  return typeof value.value === "string" ? value.value : refuse(value, "a text");
}

/** Numbers, and what Python takes for them. */
export function numberOf(value: Value): number {
  return typeof value.value === "number" ? value.value : typeof value.value === "boolean" ? Number(value.value) : refuse(value, "a number");
}

export function entriesOf(value: Value): ReadonlyMap<string, Value> {
  return value.value instanceof Map ? value.value : refuse(value, "a dict");
}

/** Keys of the library's dictionaries are texts: a number is spelled as one that nobody writes. */
const NUMBER = "\u{fdd0}";

export function keyOf(value: Value): string {
  return typeof value.value === "number" ? NUMBER + value.value : strOf(value);
}

export function keyValue(key: string): Value {
  return wrap(key.startsWith(NUMBER) ? Number(key.slice(NUMBER.length)) : key);
}

/** What a loop goes over. */
export function itemsOf(value: Value): readonly Value[] {
  if (Array.isArray(value.value)) return value.value;
  if (kindOf(value) === "dict") return [...entriesOf(value).keys()].map(keyValue);
  if (typeof value.value === "string") return Array.from(value.value, wrap);
  return kindOf(value) === "undefined" ? [] : refuse(value, "iterable");
}

export function isTrue(value: Value): boolean {
  const inner: unknown = value.value;
  if (Array.isArray(inner)) return inner.length > 0;
  if (inner instanceof Map) return inner.size > 0 || kindOf(value) === "namespace";
  return Boolean(inner);
}

export function lengthOf(value: Value): number {
  return typeof value.value === "string" ? Array.from(value.value).length : itemsOf(value).length;
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return Object.is(value, -0) ? "-0.0" : value.toFixed(1);
  const [digits = "", power] = (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e16 ? value.toExponential() : String(value)).split("e");
  return power === undefined ? digits : `${digits}e${power.startsWith("-") ? "-" : "+"}${power.slice(1).padStart(2, "0")}`;
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes("\"") ? "\"" : "'";
  const names: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
  const body = text.replace(/[\\\n\r\t]/g, (character) => names[character] ?? character)
    .replace(/[\0-\x1f\x7f-\xa0\xad]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return quote + body.replaceAll(quote, `\\${quote}`) + quote;
}

/** Python's `repr`. */
export function reprOf(value: Value): string {
  switch (kindOf(value)) {
    case "text":
      return quoted(textOf(value));
    case "bool":
      return value.value === true ? "True" : "False";
    case "none":
      return "None";
    case "undefined":
      return "Undefined";
    case "float":
      return floatText(numberOf(value));
    case "list":
      if (tuples.has(value)) return `(${itemsOf(value).map(reprOf).join(", ")}${lengthOf(value) === 1 ? "," : ""})`;
      return `[${itemsOf(value).map(reprOf).join(", ")}]`;
    case "dict":
    case "namespace":
      return `{${[...entriesOf(value)].map(([key, item]) => `${reprOf(keyValue(key))}: ${reprOf(item)}`).join(", ")}}`;
    default:
      return String(value.value);
  }
}

/** Python's `str`, as templates write values. */
export function strOf(value: Value): string {
  if (typeof value.value === "string") return value.value;
  return kindOf(value) === "undefined" ? "" : reprOf(value);
}

export function isEqual(a: Value, b: Value): boolean {
  const [left, right] = [kindOf(a), kindOf(b)];
  const numeric = (kind: Kind): boolean => kind === "int" || kind === "float" || kind === "bool";
  if (numeric(left) && numeric(right)) return numberOf(a) === numberOf(b);
  if (left !== right) return false;
  if (left === "list") {
    const [items, others] = [itemsOf(a), itemsOf(b)];
    return items.length === others.length && items.every((item, i) => isEqual(item, others[i] ?? item));
  }
  if (left === "dict") {
    const [entries, others] = [entriesOf(a), entriesOf(b)];
    return entries.size === others.size && [...entries].every(([key, item]) => {
      const other = others.get(key);
      return other !== undefined && isEqual(item, other);
    });
  }
  return a.value === b.value || left === "none" || left === "undefined";
}

/** Below 0, 0 or above: Python's order. Raises for what has none. */
export function compare(a: Value, b: Value): number {
  if (typeof a.value === "string" && typeof b.value === "string") return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
  if (Array.isArray(a.value) && Array.isArray(b.value)) {
    const [items, others] = [itemsOf(a), itemsOf(b)];
    const at = items.findIndex((item, i) => others[i] === undefined || !isEqual(item, others[i]));
    const [item, other] = [items[at], others[at]];
    return item === undefined || other === undefined ? items.length - others.length : compare(item, other);
  }
  return numberOf(a) - numberOf(b);
}

export interface JsonOptions {
  readonly indent: string;
  readonly ensureAscii: boolean;
  readonly sortKeys: boolean;
  readonly separators: readonly [string, string];
}

/** Python's `json.dumps`. */
export function jsonOf(value: Value, options: JsonOptions, depth = 0): string {
  const { indent, ensureAscii, sortKeys, separators: [comma, colon] } = options;
  const text = (string: string): string => {
    const json = JSON.stringify(string);
    return ensureAscii ? json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`) : json;
  };
  const around = (open: string, items: readonly string[], close: string): string => {
    if (items.length === 0 || indent === "") return open + items.join(comma) + close;
    const line = `\n${indent.repeat(depth + 1)}`;
    return open + line + items.join(comma + line) + `\n${indent.repeat(depth)}` + close;
  };
  switch (kindOf(value)) {
    case "text":
      return text(textOf(value));
    case "none":
      return "null";
    case "bool":
      return String(value.value);
    case "int":
    case "float":
      return reprOf(value);
    case "list":
      return around("[", itemsOf(value).map((item) => jsonOf(item, options, depth + 1)), "]");
    case "dict": {
      const entries = [...entriesOf(value)];
      if (sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
      return around("{", entries.map(([key, item]) => text(strOf(keyValue(key))) + colon + jsonOf(item, options, depth + 1)), "}");
    }
    default:
      throw new Error(`${kindOf(value)} is not JSON`);
  }
}
