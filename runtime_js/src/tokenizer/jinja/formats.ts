/** Python's `%` on a text, `str.format`, and its formats of numbers. */

import { spendText } from "./budget.ts";
import { entriesOf, itemsOf, keyOf, numberOf, reprOf, strOf, textOf, wrap, type Arguments, type Value } from "./values.ts";

interface Spec {
  readonly fill: string;
  readonly align: string;
  readonly sign: string;
  readonly hasPrefix: boolean;
  readonly width: number;
  readonly groups: string;
  readonly precision: number | undefined;
  readonly type: string;
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ]?)(#?)(0?)(\d*)([,_]?)(?:\.(\d+))?([a-zA-Z%]?)$/su;

function specOf(text: string): Spec {
  const found = SPEC.exec(text);
  if (found === null) throw new Error(`there is no format ${text}`);
  const [, fill, align = "", sign = "", alternate, zero, width = "", groups = "", precision, type = ""] = found;
  const isZero = zero !== "" && align === "";
  return {
    fill: fill ?? (zero === "" ? " " : "0"), align: isZero ? "=" : align, sign, hasPrefix: alternate !== "", width: Number(width), groups,
    precision: precision === undefined ? undefined : Number(precision), type,
  };
}

/** Of a number; a few more are what JavaScript writes. */
const MOST_DIGITS = 96;

/** A number's digits, of which JavaScript rounds halves away from 0, and Python to the even one. */
function toEven(write: (digits: number) => string, digits: number): string {
  const [whole = "", end = ""] = write(Math.min(100, digits + 30)).split("e"); // exact: a double that is nearer to a half is one
  const at = whole.indexOf(".") + 1 + digits;
  const kept = whole.slice(0, digits === 0 ? at - 1 : at);
  return /^50+$/.test(whole.slice(at)) && /[02468]$/.test(kept) ? kept + (end === "" ? "" : `e${end}`) : write(digits);
}

export function fixed(value: number, digits: number): string {
  if (Math.abs(value) >= 1e21) return BigInt(value).toString() + (digits === 0 ? "" : `.${"0".repeat(digits)}`);
  return toEven((count) => value.toFixed(count), digits);
}

/** As C writes it: at least two digits of an exponent. */
function exponential(value: number, digits: number): string {
  return toEven((count) => value.toExponential(count), digits).replace(/e([+-])(\d)$/, "e$10$2");
}

function general(value: number, digits: number, keepsZeros: boolean): string {
  const precision = digits === 0 ? 1 : digits;
  const exponent = value === 0 ? 0 : Number(exponential(value, precision - 1).split("e")[1]);
  const text = exponent < -4 || exponent >= precision ? exponential(value, precision - 1) : fixed(value, Math.max(0, precision - 1 - exponent));
  if (keepsZeros) return text.includes(".") ? text : text.replace(/(?=e|$)/, ".");
  return text.includes(".") ? text.replace(/\.?0+(?=e|$)/, "") : text;
}

const BASES: Readonly<Record<string, readonly [number, string]>> = { x: [16, "0x"], o: [8, "0o"], b: [2, "0b"] };

/** Of a number without its sign: what stands before its digits, and these. */
function bodyOf(value: Value, { type, precision, hasPrefix }: Spec): readonly [string, string] {
  if (precision !== undefined && precision > MOST_DIGITS) throw new Error(`a format asks for ${precision} digits of a number, and not at most ${MOST_DIGITS}`);
  const number = Math.abs(numberOf(value));
  const lower = type.toLowerCase();
  const base = BASES[lower];
  const isWhole = base !== undefined || ["d", "i", "u"].includes(lower) || (type === "" && value.kind !== "float");
  if (isWhole && (value.kind === "float" || precision !== undefined)) throw new Error(`there is no format ${type} of a ${value.kind}, and none with a precision`);
  let [prefix, text] = ["", ""];
  if (base !== undefined) [prefix, text] = [hasPrefix ? base[1] : "", number.toString(base[0])];
  else if (isWhole || (lower === "n" && value.kind !== "float")) text = value.kind === "int" && value.digits !== undefined ? value.digits.replace("-", "") : String(number);
  else if (!Number.isFinite(number)) text = Number.isNaN(number) ? "nan" : "inf";
  else if (lower === "f") text = fixed(number, precision ?? 6);
  else if (lower === "e") text = exponential(number, precision ?? 6);
  else if (lower === "%") text = `${fixed(number * 100, precision ?? 6)}%`;
  else if (lower === "g" || lower === "n" || (type === "" && precision !== undefined)) text = general(number, precision ?? 6, hasPrefix && lower === "g");
  else if (type === "") text = strOf(value).replace(/^-/, "");
  else throw new Error(`there is no format ${type} of a number`);
  return type !== lower ? [prefix.toUpperCase(), text.toUpperCase()] : [prefix, text];
}

/** Digits before a point by threes, with so many zeros before them that all is as wide. */
function grouped(text: string, groups: string, width: number): string {
  const [, digits = "", rest = ""] = /^(\d*)(.*)$/s.exec(text) ?? [];
  let all = digits;
  const shown = (): string => all.replace(/\B(?=(\d{3})+$)/g, groups) + rest;
  while (shown().length < width) all = `0${all}`;
  return shown();
}

export function formatted(value: Value, given: string): string {
  if (given === "") return strOf(value);
  const spec = specOf(given);
  spendText(spec.width + (spec.precision ?? 0));
  const pad = (length: number): string => spec.fill.repeat(Math.max(0, length));
  if (typeof value.value !== "number" && typeof value.value !== "boolean") {
    if (value.kind !== "text" || !["", "s"].includes(spec.type) || spec.align === "=" || spec.sign + spec.groups !== "" || spec.hasPrefix) throw new Error(`there is no format ${given} of a ${value.kind}`);
    const text = Array.from(value.value).slice(0, spec.precision).join("");
    const missing = spec.width - Array.from(text).length;
    return spec.align === ">" ? pad(missing) + text : spec.align === "^" ? pad(Math.floor(missing / 2)) + text + pad(Math.ceil(missing / 2)) : text + pad(missing);
  }
  const number = numberOf(value);
  const [prefix, digits] = bodyOf(value, spec);
  const before = (number < 0 || Object.is(number, -0) ? "-" : spec.sign === "-" ? "" : spec.sign) + prefix;
  const body = spec.groups === "" ? digits : grouped(digits, spec.groups, spec.align === "=" && spec.fill === "0" ? spec.width - before.length : 0);
  const missing = spec.width - before.length - body.length;
  if (spec.align === "=") return before + pad(missing) + body;
  if (spec.align === "<") return before + body + pad(missing);
  return spec.align === "^" ? pad(Math.floor(missing / 2)) + before + body + pad(Math.ceil(missing / 2)) : pad(missing) + before + body;
}

/** `%c`: one character, or the number of one. */
function character(value: Value): string {
  const text = value.kind === "int" || value.kind === "bool" ? String.fromCodePoint(numberOf(value)) : strOf(value);
  if (value.kind === "float" || Array.from(text).length !== 1) throw new Error("%c needs a character");
  return text;
}

/** Python's `ascii`. */
function asciiOf(value: Value): string {
  return reprOf(value).replace(/[^\0-\x7f]/gu, (letter) => {
    const [code, isShort] = [(letter.codePointAt(0) ?? 0).toString(16), letter < "\u0100"];
    return isShort ? `\\x${code}` : letter.length === 1 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
  });
}

/** Python's `%` on a text; what is not a tuple is one value, or a dictionary of them. */
export function percent(form: string, values: Value): string {
  const list = values.kind === "list" && values.isTuple ? values.value : [values];
  let next = 0;
  const text = form.replace(/%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d*)(?:\.(\d+))?[hlL]?([a-zA-Z%]?)/g, (
    _, key: string | undefined, flags: string, width: string, precision: string | undefined, type: string) => {
    if (type === "%") return "%";
    const value = key === undefined ? list[next++] : entriesOf(values).get(key);
    if (value === undefined) throw new Error("not enough arguments for the format");
    const isText = ["s", "r", "a", "c"].includes(type);
    if (type === "" || !(isText || "diufFeEgGxXo".includes(type))) throw new Error(`there is no format %${type}`);
    const has = (flag: string): boolean => flags.includes(flag);
    const sign = has("+") ? "+" : has(" ") ? " " : "";
    const align = has("-") ? "<" : has("0") && !isText ? "0=" : ">";
    const rest = `${width}${precision === undefined ? "" : `.${precision}`}`;
    if (isText) return formatted(wrap(type === "r" ? reprOf(value) : type === "a" ? asciiOf(value) : type === "c" ? character(value) : strOf(value)), ` ${align}${rest}`);
    if (typeof value.value !== "number" && typeof value.value !== "boolean") throw new Error(`%${type} needs a number`);
    const isWhole = "diuxXo".includes(type);
    const number = "diu".includes(type) && value.kind === "float" ? wrap(Math.trunc(numberOf(value)) + 0) : value;
    return formatted(number, `${align.length === 1 ? ` ${align}` : align}${sign}${has("#") ? "#" : ""}${isWhole ? width : rest}${type}`);
  });
  const isOne = !["dict", "undefined"].includes(values.kind) && (values.kind !== "list" || values.isTuple);
  if (list.length > next && isOne && !form.includes("%(")) throw new Error("not all arguments are in the format");
  return text;
}

/** `str.format`: places and names, their parts, conversions and formats. */
export function format(form: string, { given, named }: Arguments): string {
  let next = 0;
  return form.replace(/\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g, (
    whole: string, path: string | undefined, conversion: string | undefined, spec: string | undefined) => {
    if (whole === "{{" || whole === "}}") return whole.charAt(0);
    if (path === undefined) throw new Error("a brace of the format stands alone");
    const found = (name: string): Value => {
      const [first = "", ...rest] = name.match(/^[^.[]*|\.[^.[]+|\[[^\]]+\]/g) ?? [];
      const start = first === "" ? given[next++] : /^\d+$/.test(first) ? given[Number(first)] : named.get(first);
      if (start === undefined) throw new Error(`format has no {${name}}`);
      return rest.reduce((value, key) => {
        const inner = key.startsWith(".") ? key.slice(1) : key.slice(1, -1);
        const item = value.kind === "list" ? itemsOf(value)[Number(inner)] : entriesOf(value).get(keyOf(/^\d+$/.test(inner) ? wrap(Number(inner)) : wrap(inner)));
        if (item === undefined) throw new Error(`format has no {${name}}`);
        return item;
      }, start);
    };
    const value = found(path);
    const inner = (spec ?? "").replace(/\{([^{}]*)\}/g, (_, name: string) => strOf(found(name)));
    const shown = conversion === undefined ? value : wrap(conversion === "s" ? strOf(value) : reprOf(value));
    return inner === "" ? strOf(shown) : formatted(shown, inner);
  });
}

export const formatMethod = (self: Value, args: Arguments): Value => wrap(format(textOf(self), args));
