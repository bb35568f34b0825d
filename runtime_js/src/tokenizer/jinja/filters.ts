/** Jinja's filters and tests, as transformers has them. */

import { spend, spendText } from "./budget.ts";
import { fixed, percent } from "./formats.ts";
import { argument, capitalized, joinedTexts, replaced, stripped } from "./strings.ts";
import {
  compare, entriesOf, escapedHtml, floatOf, dictOf, generatorOf, hashed, isEqual, isMarked, isTrue, itemsOf, jsonOf, keyOf, keyValue, lengthOf, listOf,
    markedText, numberOf, refuse, strOf,
  textOf, tupleOf, wrap, type Arguments, type Value,
} from "./values.ts";

export type Filter = (input: Value, args: Arguments) => Value;
type Test = (value: Value, args: readonly Value[]) => boolean;

const isNumber = (value: Value): boolean => ["int", "float", "bool"].includes(value.kind);
const order = (test: (sign: number) => boolean): Test => (value, [other = wrap(undefined)]) => test(compare(value, other));
const equal: Test = (value, [other = wrap(undefined)]) => isEqual(value, other);

export const TESTS: Readonly<Record<string, Test>> = {
  defined: (value) => value.kind !== "undefined", undefined: (value) => value.kind === "undefined",
  none: (value) => value.kind === "none",
  boolean: (value) => value.kind === "bool", true: (value) => value.value === true, false: (value) => value.value === false,
  string: (value) => value.kind === "text", integer: (value) => value.kind === "int", float: (value) => value.kind === "float",
  number: isNumber,
  mapping: (value) => value.kind === "dict", iterable: (value) => ["text", "list", "dict", "undefined", "generator"].includes(value.kind),
  sequence: (value) => ["text", "list", "dict", "undefined"].includes(value.kind), callable: (value) => value.kind === "function" || value.kind === "undefined",
  odd: (value) => Math.abs(numberOf(value) % 2) === 1, even: (value) => numberOf(value) % 2 === 0,
  divisibleby: (value, [by = wrap(1)]) => numberOf(value) % (numberOf(by) || refuse(by, "a divisor")) === 0,
  lower: (value) => /\p{L}/u.test(strOf(value)) && strOf(value) === strOf(value).toLowerCase(),
  upper: (value) => /\p{L}/u.test(strOf(value)) && strOf(value) === strOf(value).toUpperCase(),
  eq: equal, equalto: equal, "==": equal, ne: (value, args) => !equal(value, args), "!=": (value, args) => !equal(value, args),
  sameas: (value, [other]) => other !== undefined && value.kind === other.kind && value.value === other.value,
  lt: order((sign) => sign < 0), lessthan: order((sign) => sign < 0), "<": order((sign) => sign < 0), le: order((sign) => sign <= 0),
  "<=": order((sign) => sign <= 0),
  gt: order((sign) => sign > 0), greaterthan: order((sign) => sign > 0), ">": order((sign) => sign > 0), ge: order((sign) => sign >= 0),
  ">=": order((sign) => sign >= 0),
  in: (value, [container = wrap([])]) => isIn(value, container), escaped: isMarked,
  filter: (value) => Object.hasOwn(FILTERS, strOf(value)), test: (value) => Object.hasOwn(TESTS, strOf(value)),
};

export function isIn(value: Value, container: Value): boolean {
  if (typeof container.value === "string") return container.value.includes(textOf(value));
  if (container.kind === "dict") hashed(value);
  return itemsOf(container).some((item) => isEqual(item, value));
}

export function testOf(name: string): Test {
  const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  if (test === undefined) throw new Error(`no test named ${name}`);
  return test;
}

/** A part of a value by a path of names and places, as filters take it. */
function attributeOf(value: Value, path: Value): Value {
  return strOf(path).split(".").reduce((part, key) => {
    const place = /^\d+$/.test(key) ? Number(key) : undefined;
    if (part.kind === "dict" || part.kind === "namespace") return entriesOf(part).get(place === undefined ? key : keyOf(wrap(place))) ?? wrap(undefined);
    return place !== undefined && (part.kind === "list" || part.kind === "text") ? itemsOf(part)[place] ?? wrap(undefined) : wrap(undefined);
  }, value);
}

/** `select` and its kin: nothing of nothing, whatever there is to choose by. */
function chosen(input: Value, args: readonly Value[], keeps: boolean, byAttribute: boolean): Value {
  if (!isTrue(input)) return generatorOf([]);
  const path = byAttribute ? args[0] : undefined;
  const [name, ...rest] = byAttribute ? args.slice(1) : args;
  const test: Test = name === undefined ? isTrue : testOf(textOf(name));
  return generatorOf(itemsOf(input).filter((item) => test(path === undefined ? item : attributeOf(item, path), rest) === keeps));
}

function mapped(input: Value, { given, named }: Arguments): Value {
  if (!isTrue(input)) return generatorOf([]);
  const path = named.get("attribute");
  if (path !== undefined) {
    const otherwise = named.get("default");
    return generatorOf(itemsOf(input).map((item) => {
      const part = attributeOf(item, path);
      return part.kind === "undefined" ? otherwise ?? part : part;
    }));
  }
  const [name, ...rest] = given;
  return generatorOf(itemsOf(input).map((item) => filterOf(textOf(name ?? wrap("")))(item, { given: rest, named })));
}

function flag(args: Arguments, at: number, name: string): boolean {
  const value = argument(args, at, name);
  return value !== undefined && isTrue(value);
}

/** What a filter orders by: an attribute, and texts without their case unless it is asked for. */
function orderOf(attribute: Value | undefined, isExact: boolean): (item: Value) => Value {
  return (item) => {
    const part = attribute === undefined || attribute.kind === "none" ? item : attributeOf(item, attribute);
    return !isExact && typeof part.value === "string" ? wrap(part.value.toLowerCase()) : part;
  };
}

/** `sort` has lists of attributes, in which equals need no order. */
function inOrder(input: Value, args: Arguments): Value {
  const [attribute, isExact] = [argument(args, 2, "attribute"), flag(args, 1, "case_sensitive")];
  const keys = (attribute?.kind === "text" ? attribute.value.split(",").map(wrap) : [attribute]).map((each) => orderOf(each, isExact));
  return sorted(itemsOf(input), (item) => tupleOf(keys.map((key) => key(item))), flag(args, 0, "reverse"));
}

function sorted(items: readonly Value[], key: (item: Value) => Value, isReversed: boolean): Value {
  const inOrder = [...items].sort((a, b) => (isReversed ? compare(key(b), key(a)) : compare(key(a), key(b))));
  return listOf(inOrder);
}

function most(input: Value, args: Arguments, sign: number): Value {
  const key = orderOf(argument(args, 1, "attribute"), flag(args, 0, "case_sensitive"));
  return itemsOf(input).reduce((best, item) => (best.kind === "undefined" || compare(key(item), key(best)) * sign > 0 ? item : best),
    wrap(undefined));
}

function spaces(count: number): string {
  spendText(count);
  return " ".repeat(Math.max(0, count));
}

function indented(input: Value, args: Arguments): Value {
  const width = argument(args, 0, "width") ?? wrap(4);
  const by = typeof width.value === "string" ? width.value : spaces(numberOf(width));
  const [first, blank] = [flag(args, 1, "first"), flag(args, 2, "blank")];
  return wrap(joinedTexts(strOf(input).split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).map((line, i) => ((i === 0 && !first) || (line === "" && !blank && i > 0) ? line
    : by + line)), "\n"));
}

function json(input: Value, args: Arguments): Value {
  const indent = argument(args, 1, "indent");
  const by = indent === undefined || indent.kind === "none" ? "" : typeof indent.value === "string" ? indent.value : spaces(numberOf(indent));
  const separators = argument(args, 2, "separators");
  const [comma, colon] = separators === undefined || separators.kind === "none" ? [wrap(by === "" ? ", " : ","),
    wrap(": ")] : itemsOf(separators);
  return wrap(jsonOf(input, {
    indent: by, ensureAscii: flag(args, 0, "ensure_ascii"), sortKeys: flag(args, 3, "sort_keys"),
    separators: [textOf(comma ?? wrap(", ")), textOf(colon ?? wrap(": "))],
  }));
}

function rounded(input: Value, args: Arguments): Value {
  const [digits, method] = [argument(args, 0, "precision"), argument(args, 1, "method")];
  const places = digits === undefined ? 0 : numberOf(digits);
  const value = numberOf(input);
  const way = method === undefined ? "common" : textOf(method);
  if (way !== "common") {
    const scaled = value * 10 ** places;
    return floatOf((way === "ceil" ? Math.ceil(scaled) : Math.floor(scaled)) / 10 ** places);
  }
  const result = places >= 0 ? Number(fixed(value, Math.min(100, places))) : Number(fixed(value * 10 ** places, 0)) / 10 ** places;
  return input.kind === "float" ? floatOf(result) : wrap(Math.round(result));
}

function asInteger(input: Value, args: Arguments): Value {
  if (isNumber(input)) return wrap(Math.trunc(numberOf(input)));
  const otherwise = argument(args, 0, "default") ?? wrap(0);
  if (input.kind !== "text") return input.kind === "undefined" ? refuse(input, "a number") : otherwise;
  const [text, base] = [stripped(input.value, undefined).replaceAll(/(?<=[0-9a-z])_(?=[0-9a-z])/gi, ""), numberOf(argument(args, 1, "base") ?? wrap(10))];
  const [, sign = "", digits = ""] = /^([+-]?)(?:0[xob])?([0-9a-z]+)$/i.exec(base === 10 ? text.replace(/^([+-]?)0[xob].*$/i, "!") : text) ?? [];
  const isWhole = digits !== "" && Array.from(digits).every((digit) => Number.parseInt(digit, 36) < base);
  if (isWhole) return wrap((sign === "-" ? -1 : 1) * Number.parseInt(digits, base));
  const float = floatText(text);
  return float === undefined || !Number.isFinite(float) ? otherwise : wrap(Math.trunc(float));
}

/** Python's `float` of a text. */
function floatText(given: string): number | undefined {
  const text = stripped(given, undefined).replaceAll(/(?<=\d)_(?=\d)/g, "");
  const [, sign = "", name] = /^([+-]?)(inf|infinity|nan)$/i.exec(text) ?? [];
  if (name !== undefined) return name.toLowerCase() === "nan" ? NaN : sign === "-" ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function asFloat(input: Value, args: Arguments): Value {
  const value = isNumber(input) ? numberOf(input) : input.kind === "text" ? floatText(input.value) : undefined;
  if (input.kind === "undefined") refuse(input, "a number");
  return value === undefined ? argument(args, 0, "default") ?? floatOf(0) : floatOf(value);
}

/** Before a list is made of so many parts. */
function spendParts(count: number): void {
  if (!(count >= 1)) throw new Error("a list has parts of 1 or more");
  spend(count);
}

function slices(input: Value, args: Arguments): Value {
  const [items, count, fill] = [itemsOf(input), numberOf(argument(args, 0, "slices") ?? wrap(1)), argument(args, 1, "fill_with")];
  spendParts(count);
  const [size, more] = [Math.floor(items.length / count), items.length % count];
  return generatorOf(Array.from({ length: count }, (_, i) => {
    const start = i * size + Math.min(i, more);
    const row = items.slice(start, start + size + (i < more ? 1 : 0));
    return listOf(fill !== undefined && i >= more ? [...row, fill] : row);
  }));
}

function summed(input: Value, args: Arguments): Value {
  const [path, start] = [argument(args, 0, "attribute"), argument(args, 1, "start") ?? wrap(0)];
  const items = itemsOf(input).map((item) => (path === undefined ? item : attributeOf(item, path)));
  if (start.kind === "list") return listOf([start, ...items].flatMap(itemsOf));
  const total = items.reduce((sum, item) => sum + numberOf(item), numberOf(start));
  return [start, ...items].some(({ kind }) => kind === "float") ? floatOf(total) : wrap(total);
}

/** Every word's first letter, where words begin behind spaces, hyphens and open brackets. */
function titledWords(text: string): string {
  return text.split(/([-\s({[<]+)/).map((word) => {
    const [first = "", ...rest] = Array.from(word);
    return first.toUpperCase() + rest.join("").toLowerCase();
  }).join("");
}

function unique(input: Value, args: Arguments): Value {
  const key = orderOf(argument(args, 1, "attribute"), flag(args, 0, "case_sensitive"));
  const items = itemsOf(input);
  items.forEach((item) => hashed(key(item)));
  return generatorOf(items.filter((item, i) => !items.slice(0, i).some((other) => isEqual(key(other), key(item)))));
}

function grouped(input: Value, args: Arguments): Value {
  const path = argument(args, 0, "attribute") ?? wrap("");
  const key = orderOf(path, flag(args, 2, "case_sensitive"));
  const groups: Value[][] = [];
  for (const item of itemsOf(sorted(itemsOf(input), key, false))) {
    const [last, [first] = []] = [groups.at(-1), groups.at(-1)];
    if (last !== undefined && first !== undefined && isEqual(key(first), key(item))) last.push(item);
    else groups.push([item]);
  }
  return listOf(groups.map((items) => tupleOf([attributeOf(items[0] ?? wrap(undefined), path), listOf(items)])));
}

function batched(input: Value, { given: [count = wrap(1), fill] }: Arguments): Value {
  const [items, size] = [itemsOf(input), numberOf(count)];
  spendParts(size);
  const rows = Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
  return generatorOf(rows.map((row) => listOf(fill === undefined ? row : [...row, ...Array.from({ length: size - row.length }, () => fill)])));
}

function joined(input: Value, args: Arguments): Value {
  const [by, path] = [argument(args, 0, "d") ?? wrap(""), argument(args, 1, "attribute")];
  return wrap(joinedTexts(itemsOf(input).map((item) => strOf(path === undefined ? item : attributeOf(item, path))), strOf(by)));
}

function truncated(input: Value, args: Arguments): Value {
  const [length, end] = [numberOf(argument(args, 0, "length") ?? wrap(255)), textOf(argument(args, 2, "end") ?? wrap("..."))];
  const text = Array.from(strOf(input));
  if (length < lengthOf(wrap(end))) throw new Error(`truncate leaves no room for ${end}`);
  if (text.length <= length + numberOf(argument(args, 3, "leeway") ?? wrap(5))) return wrap(text.join(""));
  const cut = text.slice(0, length - lengthOf(wrap(end))).join("");
  return wrap((flag(args, 1, "killwords") || !cut.includes(" ") ? cut : cut.slice(0, cut.lastIndexOf(" "))) + end);
}

const byDefault: Filter = (input, args) =>
  (input.kind === "undefined" || (flag(args, 1, "boolean") && !isTrue(input)) ? argument(args, 0, "default_value") ?? wrap("") : input);

const FILTERS: Readonly<Record<string, Filter>> = {
  tojson: json, string: (input) => wrap(strOf(input)), safe: (input) => markedText(strOf(input)),
  escape: (input) => (isMarked(input) ? input : markedText(escapedHtml(strOf(input)))),
  e: (input) => (isMarked(input) ? input : markedText(escapedHtml(strOf(input)))),
  forceescape: (input) => markedText(escapedHtml(strOf(input))),
  default: byDefault, d: byDefault, length: (input) => wrap(lengthOf(input)), count: (input) => wrap(lengthOf(input)),
  first: (input) => (input.kind === "generator" ? input.value.shift() : itemsOf(input)[0]) ?? wrap(undefined), last: (input) => (input.kind === "generator" ? wrap(lengthOf(input)) : itemsOf(input).at(-1) ?? wrap(undefined)),
  list: (input) => listOf(itemsOf(input)),
  items: (input) => (input.kind === "undefined" ? wrap([]) : listOf([...entriesOf(input)].map(([key, value]) => tupleOf([keyValue(key),
    value])))),
  dictsort: (input, args) => {
    const by = argument(args, 1, "by")?.value === "value" ? 1 : 0;
    const pairs = [...entriesOf(input)].map(([key, value]) => tupleOf([keyValue(key), value]));
    return sorted(pairs, orderOf(wrap(by), flag(args, 0, "case_sensitive")), flag(args, 2, "reverse"));
  },
  select: (input, { given }) => chosen(input, given, true, false), reject: (input, { given }) => chosen(input, given, false, false),
  selectattr: (input, { given }) => chosen(input, given, true, true), rejectattr: (input, { given }) => chosen(input, given, false, true),
  map: mapped, unique, groupby: grouped, batch: batched, join: joined, indent: indented, round: rounded, int: asInteger, float: asFloat,
  truncate: truncated,
  sort: inOrder,
  min: (input, args) => most(input, args, -1), max: (input, args) => most(input, args, 1),
  sum: summed, slice: slices,
  reverse: (input) => (typeof input.value === "string" ? wrap(Array.from(input.value).reverse().join("")) : listOf([...itemsOf(
    input)].reverse())),
  abs: (input) => (input.kind === "float" ? floatOf(Math.abs(numberOf(input))) : wrap(Math.abs(numberOf(input)))),
  upper: (input) => wrap(strOf(input).toUpperCase()), lower: (input) => wrap(strOf(input).toLowerCase()),
  title: (input) => wrap(titledWords(strOf(input))),
  capitalize: (input) => wrap(capitalized(strOf(input))), wordcount: (input) => wrap((strOf(input).match(/[\p{L}\p{N}_]+/gu) ?? []).length),
  trim: (input, args) => {
    const characters = argument(args, 0, "chars");
    return wrap(stripped(strOf(input), characters === undefined || characters.kind === "none" ? undefined : textOf(characters)));
  },
  replace: (input, args) => {
    const [from = wrap(""), to = wrap("")] = args.given;
    const limit = argument(args, 2, "count");
    return wrap(replaced(strOf(input), strOf(from), strOf(to), limit === undefined || limit.kind === "none" || numberOf(limit) < 0 ? Infinity : numberOf(limit)));
  },
  attr: (input, { given: [name = wrap("")] }) => (input.kind === "namespace" ? attributeOf(input, name) : input.kind === "undefined" ? refuse(input, "anything with attributes") : wrap(undefined)),
  format: (input, { given, named }) => wrap(percent(textOf(input), named.size > 0 ? dictOf(named) : tupleOf(given))),
  urlencode: (input) => wrap(encodeURIComponent(strOf(input)).replaceAll("%2F", "/").replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)),
  striptags: (input) => wrap(strOf(input).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim()),
  center: (input, { given: [width = wrap(80)] }) => {
    const missing = Math.max(0, numberOf(width) - lengthOf(wrap(strOf(input))));
    spendText(missing);
    const before = Math.floor(missing / 2) + (missing & numberOf(width) & 1);
    return wrap(" ".repeat(before) + strOf(input) + " ".repeat(missing - before));
  },
};

export function filterOf(name: string): Filter {
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (filter === undefined) throw new Error(`no filter named ${name}`);
  return filter;
}
