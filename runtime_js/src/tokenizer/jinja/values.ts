/** Values of templates, and what Python makes of them: their texts, their JSON, whether two are equal. */

import { spend, spendText } from "./budget.ts";

/** What a function of a template is given, by place and by name. */
export interface Arguments {
  readonly given: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/**
 * A list may be a tuple, which Python prints otherwise; a text may be marked as safe for HTML, so that what is added to it is escaped. Digits are
 * those of an integer that is too large for a number. A generator is what `map` and `select` give: true, without a length, and empty once it was read.
 */
export type Value =
  | { readonly kind: "text"; readonly value: string; readonly isMarked: boolean }
  | { readonly kind: "int" | "float"; readonly value: number; readonly digits?: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "none"; readonly value: null }
  | { readonly kind: "undefined"; readonly value: undefined }
  | { readonly kind: "list"; readonly value: readonly Value[]; readonly isTuple: boolean }
  | { readonly kind: "dict" | "namespace"; readonly value: Map<string, Value> }
  | { readonly kind: "generator"; readonly value: Value[] }
  | { readonly kind: "function"; readonly value: (args: Arguments) => Value; readonly fields?: ReadonlyMap<string, Value>; readonly macro?: string };
export type Kind = Value["kind"];

/** Values that come often. */
const [TRUE, FALSE, NONE, UNDEFINED]: readonly [Value, Value, Value, Value] = [
  { kind: "bool", value: true }, { kind: "bool", value: false }, { kind: "none", value: null }, { kind: "undefined", value: undefined }];

/** What becomes a value when a template is given it. */
export abstract class Unread {
  abstract read(): Value;
}

/** A JavaScript value as a template's. */
export function wrap(value: unknown): Value {
  switch (typeof value) {
    case "string":
      spendText(value.length);
      return { kind: "text", value, isMarked: false };
    case "boolean":
      return value ? TRUE : FALSE;
    case "number":
      return { kind: Number.isInteger(value) ? "int" : "float", value };
    case "undefined":
      return UNDEFINED;
    case "object":
      if (value === null) return NONE;
      if (value instanceof Unread) return value.read();
      return Array.isArray(value) ? listOf(value.map(wrap)) : wrapObject(value);
    default:
      throw new Error(`a ${typeof value} is no value of a template`);
  }
}

function wrapObject(object: object): Value {
  const value = new Map<string, Value>();
  for (const key of Object.keys(object)) value.set(key, wrap(Reflect.get(object, key)));
  return { kind: "dict", value };
}

export function generatorOf(value: Value[]): Value {
  return { kind: "generator", value };
}

export function listOf(value: readonly Value[]): Value {
  spend(value.length);
  return { kind: "list", value, isTuple: false };
}

export function tupleOf(value: readonly Value[]): Value {
  return { kind: "list", value, isTuple: true };
}

export function dictOf(entries: Iterable<readonly [string, Value]>): Value & { readonly value: Map<string, Value> } {
  return { kind: "dict", value: new Map(entries) };
}

export function namespaceOf(entries: Iterable<readonly [string, Value]>): Value {
  return { kind: "namespace", value: new Map(entries) };
}

export function functionOf(value: (args: Arguments) => Value, fields?: unknown): Value {
  return fields instanceof Map ? { kind: "function", value, fields } : { kind: "function", value };
}

export function floatOf(value: number): Value {
  return { kind: "float", value };
}

export function markedText(value: string): Value {
  return { kind: "text", value, isMarked: true };
}

export function isMarked(value: Value): boolean {
  return value.kind === "text" && value.isMarked;
}

export function escapedHtml(text: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&#34;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? character);
}

export function refuse(value: Value, wanted: string): never {
  throw new Error(`${value.kind} is not ${wanted}`);
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

/** Keys of dictionaries are texts: a number is spelled as one that nobody writes. */
const NUMBER = "\u{fdd0}";

export function keyOf(value: Value): string {
  if (value.kind === "none") return `${NUMBER}None`;
  return typeof value.value === "number" ? NUMBER + value.value : typeof value.value === "boolean" ? NUMBER + Number(value.value) : strOf(value);
}

export function keyValue(key: string): Value {
  if (!key.startsWith(NUMBER)) return wrap(key);
  return wrap(key === `${NUMBER}None` ? null : Number(key.slice(NUMBER.length)));
}

/** Refuses what Python has in no dictionary and no set. */
export function hashed(value: Value): void {
  if (value.kind === "dict" || (value.kind === "list" && !value.isTuple)) refuse(value, "a key");
}

/** What a loop goes over. */
export function itemsOf(value: Value): readonly Value[] {
  if (value.kind === "generator") return value.value.splice(0);
  if (Array.isArray(value.value)) return value.value;
  if (value.kind === "dict") return [...entriesOf(value).keys()].map(keyValue);
  if (typeof value.value === "string") return Array.from(value.value, wrap);
  return value.kind === "undefined" ? [] : refuse(value, "iterable");
}

export function isTrue(value: Value): boolean {
  if (value.kind === "generator") return true;
  const inner: unknown = value.value;
  if (Array.isArray(inner)) return inner.length > 0;
  if (inner instanceof Map) return inner.size > 0 || value.kind === "namespace";
  return Boolean(inner);
}

export function lengthOf(value: Value): number {
  if (value.kind === "generator") return refuse(value, "of a length");
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
  switch (value.kind) {
    case "text":
      return quoted(textOf(value));
    case "bool":
      return value.value === true ? "True" : "False";
    case "none":
      return "None";
    case "undefined":
      return "Undefined";
    case "int":
      return value.digits ?? String(value.value);
    case "float":
      return floatText(numberOf(value));
    case "generator":
    case "function":
      return value.kind === "function" && value.macro !== undefined ? `<Macro ${quoted(value.macro)}>` : refuse(value, "a text");
    case "list":
      if (value.kind === "list" && value.isTuple) return `(${itemsOf(value).map(reprOf).join(", ")}${lengthOf(value) === 1 ? "," : ""})`;
      return `[${itemsOf(value).map(reprOf).join(", ")}]`;
    case "dict":
    case "namespace":
      return `{${[...entriesOf(value)].map(([key, item]) => `${reprOf(keyValue(key))}: ${reprOf(item)}`).join(", ")}}`;
  }
}

/** Python's `str`, as templates write values. */
export function strOf(value: Value): string {
  if (typeof value.value === "string") return value.value;
  return value.kind === "undefined" ? "" : reprOf(value);
}

export function isEqual(a: Value, b: Value): boolean {
  const [left, right] = [a.kind, b.kind];
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

/** By code points. */
function compareTexts(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  const isLow = (text: string): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;
  if (at > 0 && (isLow(a) || isLow(b))) at--; // inside of a pair
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

/** Below 0, 0 or above: Python's order. Raises for what has none. */
export function compare(a: Value, b: Value): number {
  if (typeof a.value === "string" && typeof b.value === "string") return compareTexts(a.value, b.value);
  if (a.kind === "list" && b.kind === "list" && a.isTuple === b.isTuple) {
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

function jsonKey(key: Value): string {
  return key.kind === "none" ? "null" : strOf(key);
}

function jsonNumber(value: Value): string {
  const text = reprOf(value);
  return { inf: "Infinity", "-inf": "-Infinity", nan: "NaN" }[text] ?? text;
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
  switch (value.kind) {
    case "text":
      return text(textOf(value));
    case "none":
      return "null";
    case "bool":
      return String(value.value);
    case "int":
    case "float":
      return jsonNumber(value);
    case "list":
      return around("[", itemsOf(value).map((item) => jsonOf(item, options, depth + 1)), "]");
    case "dict": {
      const entries = [...entriesOf(value)];
      if (sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
      return around("{", entries.map(([key, item]) => text(jsonKey(keyValue(key))) + colon + jsonOf(item, options, depth + 1)), "}");
    }
    default:
      throw new Error(`${value.kind} is not JSON`);
  }
}
