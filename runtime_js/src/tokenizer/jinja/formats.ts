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

/** As C writes it: at least two digits of an exponent. */
function exponential(value: number, digits: number): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

function general(value: number, digits: number, keepsZeros: boolean): string {
  const precision = digits === 0 ? 1 : digits;
  const exponent = value === 0 ? 0 : Number(value.toExponential(precision - 1).split("e")[1]);
  const text = exponent < -4 || exponent >= precision ? exponential(value, precision - 1) : value.toFixed(Math.max(0, precision - 1 - exponent));
  return keepsZeros || !text.includes(".") ? text : text.replace(/\.?0+(?=e|$)/, "");
}

function bodyOf(value: Value, { type, precision, groups, hasPrefix }: Spec): string {
  if (precision !== undefined && precision > MOST_DIGITS) throw new Error(`a format asks for ${precision} digits of a number, and not at most ${MOST_DIGITS}`);
  const number = Math.abs(numberOf(value));
  const lower = type.toLowerCase();
  const bases: Readonly<Record<string, readonly [number, string]>> = { x: [16, "0x"], o: [8, "0o"], b: [2, "0b"] };
  const base = bases[lower];
  let text: string;
  if (base !== undefined) text = (hasPrefix ? base[1] : "") + number.toString(base[0]);
  else if (lower === "d" || lower === "i" || lower === "u") text = value.kind === "int" && value.digits !== undefined ? value.digits.replace("-", "") : String(Math.trunc(number));
  else if (!Number.isFinite(number)) text = Number.isNaN(number) ? "nan" : "inf";
  else if (lower === "f") text = number.toFixed(precision ?? 6);
  else if (lower === "e") text = exponential(number, precision ?? 6);
  else if (lower === "%") text = `${(number * 100).toFixed(precision ?? 6)}%`;
  else if (lower === "g") text = general(number, precision ?? 6, hasPrefix);
  else if (type === "" || lower === "n") text = precision === undefined ? strOf(value).replace(/^-/, "") : general(number, precision, false);
  else throw new Error(`there is no format ${type} of a number`);
  if (groups !== "") text = text.replace(/^\d+/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, groups));
  return type !== lower ? text.toUpperCase() : text;
}

export function formatted(value: Value, given: string): string {
  const spec = specOf(given);
  spendText(spec.width + (spec.precision ?? 0));
  const isNumber = typeof value.value === "number" || (typeof value.value === "boolean" && spec.type !== "");
  const pad = (length: number): string => spec.fill.repeat(Math.max(0, length));
  if (!isNumber) {
    if (!["", "s"].includes(spec.type)) throw new Error(`there is no format ${spec.type} of a ${value.kind}`);
    const text = Array.from(strOf(value)).slice(0, spec.precision).join("");
    const missing = spec.width - Array.from(text).length;
    return spec.align === ">" ? pad(missing) + text : spec.align === "^" ? pad(Math.floor(missing / 2)) + text + pad(Math.ceil(missing / 2)) : text + pad(missing);
  }
  const number = numberOf(value);
  const sign = number < 0 || Object.is(number, -0) ? "-" : spec.sign === "-" ? "" : spec.sign;
  const body = bodyOf(value, spec);
  const missing = spec.width - sign.length - body.length;
  if (spec.align === "=") return sign + pad(missing) + body;
  if (spec.align === "<") return sign + body + pad(missing);
  return spec.align === "^" ? pad(Math.floor(missing / 2)) + sign + body + pad(Math.ceil(missing / 2)) : pad(missing) + sign + body;
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
    if (isText) return formatted(wrap(type === "r" || type === "a" ? reprOf(value) : strOf(value)), ` ${align}${rest}`);
    if (typeof value.value !== "number" && typeof value.value !== "boolean") throw new Error(`%${type} needs a number`);
    const isWhole = "diuxXo".includes(type);
    const number = isWhole && value.kind === "float" ? wrap(Math.trunc(numberOf(value))) : value;
    return formatted(number, `${align.length === 1 ? ` ${align}` : align}${sign}${has("#") ? "#" : ""}${isWhole ? width : rest}${type}`);
  });
  if (list.length > next && values.kind !== "dict" && next < list.length && !form.includes("%(")) throw new Error("not all arguments are in the format");
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
