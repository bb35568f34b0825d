/** Python's methods of strings, dictionaries and lists, and its dates. */

import { entriesOf, isEqual, itemsOf, keyOf, keyValue, listOf, numberOf, strOf, textOf, tupleOf, wrap, type Arguments, type Value } from "./values.ts";

export function argument({ given, named }: Arguments, at: number, name: string): Value | undefined {
  return given[at] ?? named.get(name);
}

type Method = (self: Value, args: Arguments) => Value;

/** Looks at the ends alone: texts are long. */
function stripped(text: string, characters: string | undefined, left: boolean, right: boolean): string {
  const isGone = (character: string): boolean => (characters === undefined ? /\s/u.test(character) : characters.includes(character));
  let [start, end] = [0, text.length];
  while (left && start < end) {
    const first = String.fromCodePoint(text.codePointAt(start) ?? 0);
    if (!isGone(first)) break;
    start += first.length;
  }
  while (right && start < end) {
    const last = /(?:[\ud800-\udbff][\udc00-\udfff]|[^])$/.exec(text.slice(Math.max(start, end - 2), end))?.[0] ?? "";
    if (!isGone(last)) break;
    end -= last.length;
  }
  return text.slice(start, end);
}

const strip = (left: boolean, right: boolean): Method => (self, args) => {
  const [characters] = args.given;
  return wrap(stripped(textOf(self), typeof characters?.value === "string" ? characters.value : undefined, left, right));
};

function split(self: Value, args: Arguments, fromRight: boolean): Value {
  const text = textOf(self);
  const separator = argument(args, 0, "sep")?.value;
  const limit = argument(args, 1, "maxsplit");
  const most = limit === undefined || numberOf(limit) < 0 ? Infinity : numberOf(limit);
  if (separator === "") throw new Error("empty separator");
  const isWords = typeof separator !== "string";
  let parts = isWords ? text.trim().split(/\s+/u).filter((part) => part !== "") : text.split(separator);
  if (parts.length - 1 > most) {
    if (isWords) {
      const pattern = fromRight ? new RegExp(`^(.*?)${"\\s+(\\S+)".repeat(most)}$`,
        "su") : new RegExp(`^${"(\\S+)\\s+".repeat(most)}(.*)$`, "su");
      parts = [...(pattern.exec(fromRight ? text.trimEnd() : text.trimStart()) ?? [])].slice(1);
    } else {
      const rest = fromRight ? parts.slice(0, parts.length - most) : parts.slice(most);
      parts = fromRight ? [rest.join(separator), ...parts.slice(parts.length - most)] : [...parts.slice(0, most), rest.join(separator)];
    }
  }
  return listOf(parts.map(wrap));
}

function partition(self: Value, { given: [by] }: Arguments, at: number): Value {
  const [text, separator] = [textOf(self), textOf(by ?? wrap(undefined))];
  const parts = at < 0 ? [text, "", ""] : [text.slice(0, at), separator, text.slice(at + separator.length)];
  return tupleOf(parts.map(wrap));
}

const ends = (has: (text: string, end: string) => boolean): Method => (self, { given: [asked = wrap("")] }) =>
  wrap((Array.isArray(asked.value) ? itemsOf(asked) : [asked]).some((end) => has(textOf(self), textOf(end))));

const all = (pattern: RegExp): Method => (self) => wrap(pattern.test(textOf(self)));

function padded(self: Value, { given: [width = wrap(0), fill = wrap(" ")] }: Arguments, share: number): Value {
  const text = textOf(self);
  const missing = Math.max(0, numberOf(width) - Array.from(text).length);
  const before = Math.floor(missing * share);
  return wrap(textOf(fill).repeat(before) + text + textOf(fill).repeat(missing - before));
}

export function titled(text: string): string {
  return text.replace(/\p{L}+/gu, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

export function replaced(text: string, from: string, to: string, most = Infinity): string {
  const parts = from === "" ? Array.from(text).flatMap((letter, i) => (i === 0 ? ["", letter] : [letter])).concat("") : text.split(from);
  return parts.reduce((done, part, i) => done + (i - 1 < most ? to : from) + part);
}

/** `str.format`, of places and names without formats of their own. */
function formatted(self: Value, { given, named }: Arguments): Value {
  let next = 0;
  return wrap(textOf(self).replace(/\{\{|\}\}|\{(\w*)\}/g, (whole, key: string | undefined) => {
    if (key === undefined) return whole.charAt(0);
    const value = key === "" ? given[next++] : /^\d+$/.test(key) ? given[Number(key)] : named.get(key);
    if (value === undefined) throw new Error(`format has no ${whole}`);
    return strOf(value);
  }));
}

const STRING: Readonly<Record<string, Method>> = {
  strip: strip(true, true), lstrip: strip(true, false), rstrip: strip(false, true),
  split: (self, args) => split(self, args, false), rsplit: (self, args) => split(self, args, true),
  splitlines: (self) => {
    const lines = textOf(self).split(/\r\n|\r|\n/);
    return listOf((lines.at(-1) === "" ? lines.slice(0, -1) : lines).map(wrap));
  },
  partition: (self, args) => partition(self, args, textOf(self).indexOf(textOf(args.given[0] ?? wrap("")))),
  rpartition: (self, args) => {
    const at = textOf(self).lastIndexOf(textOf(args.given[0] ?? wrap("")));
    return at < 0 ? tupleOf(["", "", textOf(self)].map(wrap)) : partition(self, args, at);
  },
  startswith: ends((text, start) => text.startsWith(start)), endswith: ends((text, end) => text.endsWith(end)),
  removeprefix: (self, { given: [part = wrap("")] }) => wrap(textOf(self).startsWith(textOf(part)) ? textOf(self).slice(textOf(
    part).length) : textOf(self)),
  removesuffix: (self, { given: [part = wrap("")] }) => (
    wrap(textOf(part) !== "" && textOf(self).endsWith(textOf(part)) ? textOf(self).slice(0, -textOf(part).length) : textOf(self))),
  upper: (self) => wrap(textOf(self).toUpperCase()), lower: (self) => wrap(textOf(self).toLowerCase()),
  casefold: (self) => wrap(textOf(self).toLowerCase()),
  title: (self) => wrap(titled(textOf(self))), capitalize: (self) => wrap(capitalized(textOf(self))),
  replace: (self, args) => {
    const most = argument(args, 2, "count");
    const [from = wrap(""), to = wrap("")] = args.given;
    return wrap(replaced(textOf(self), textOf(from), textOf(to), most === undefined || numberOf(most) < 0 ? Infinity : numberOf(most)));
  },
  join: (self, { given: [items = wrap([])] }) => wrap(itemsOf(items).map(textOf).join(textOf(self))),
  format: formatted,
  find: (self, { given: [part = wrap("")] }) => wrap(textOf(self).indexOf(textOf(part))),
  rfind: (self, { given: [part = wrap("")] }) => wrap(textOf(self).lastIndexOf(textOf(part))),
  index: (self, { given: [part = wrap("")] }) => {
    const at = textOf(self).indexOf(textOf(part));
    if (at < 0) throw new Error("substring not found");
    return wrap(at);
  },
  count: (self, { given: [part = wrap("")] }) => wrap(textOf(self).split(textOf(part)).length - 1),
  isdigit: all(/^\p{Nd}+$/u), isnumeric: all(/^\p{N}+$/u), isalpha: all(/^\p{L}+$/u), isalnum: all(/^[\p{L}\p{N}]+$/u),
  isspace: all(/^\s+$/u),
  isupper: (self) => wrap(/\p{L}/u.test(textOf(self)) && textOf(self) === textOf(self).toUpperCase()),
  islower: (self) => wrap(/\p{L}/u.test(textOf(self)) && textOf(self) === textOf(self).toLowerCase()),
  ljust: (self, args) => padded(self, args, 0), rjust: (self, args) => padded(self, args, 1), center: (self, args) => padded(self, args,
    0.5),
  zfill: (self, { given: [width = wrap(0)] }) => wrap(textOf(self).replace(/^([+-]?)(.*)$/su, (_, sign: string, rest: string) => (
    sign + rest.padStart(numberOf(width) - sign.length, "0")))),
};

const DICT: Readonly<Record<string, Method>> = {
  get: (self, { given: [key = wrap(undefined), otherwise = wrap(null)] }) => entriesOf(self).get(keyOf(key)) ?? otherwise,
  items: (self) => listOf([...entriesOf(self)].map(([key, value]) => tupleOf([keyValue(key), value]))),
  keys: (self) => listOf([...entriesOf(self).keys()].map(keyValue)),
  values: (self) => listOf([...entriesOf(self).values()]),
  copy: (self) => self,
};

const LIST: Readonly<Record<string, Method>> = {
  count: (self, { given: [asked] }) => wrap(itemsOf(self).filter((item) => asked !== undefined && isEqual(item, asked)).length),
  index: (self, { given: [asked] }) => {
    const at = itemsOf(self).findIndex((item) => asked !== undefined && isEqual(item, asked));
    if (at < 0) throw new Error("not in list");
    return wrap(at);
  },
  copy: (self) => self,
};

/** The method of a value, where Python's type has one of this name. */
export function methodOf(self: Value, name: string): Method | undefined {
  const methods = typeof self.value === "string" ? STRING : Array.isArray(self.value) ? LIST : self.kind === "dict" ? DICT : {};
  return Object.hasOwn(methods, name) ? methods[name] : undefined;
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** Python's `strftime` in the C locale, of the user's time. */
export function strftime(date: Date, form: string): string {
  const two = (value: number, fill = "0"): string => String(value).padStart(2, fill);
  const [day, month, hour] = [DAYS[date.getDay()] ?? "", MONTHS[date.getMonth()] ?? "", date.getHours()];
  const dayOfYear = Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0,
    1)) / 86_400_000) + 1;
  const parts: Readonly<Record<string, string>> = {
    Y: String(date.getFullYear()), y: two(date.getFullYear() % 100), m: two(date.getMonth() + 1), d: two(date.getDate()),
    e: two(date.getDate(), " "),
    B: month, b: month.slice(0, 3), h: month.slice(0, 3), A: day, a: day.slice(0, 3), H: two(hour), I: two(hour % 12 || 12),
    M: two(date.getMinutes()),
    S: two(date.getSeconds()), p: hour < 12 ? "AM" : "PM", j: String(dayOfYear).padStart(3, "0"), w: String(date.getDay()),
    u: String(date.getDay() || 7), f: String(date.getMilliseconds()).padStart(3, "0").padEnd(6, "0"), "%": "%", n: "\n", t: "\t", Z: "",
    z: "",
  };
  const whole: Readonly<Record<string, string>> = { F: "%Y-%m-%d", T: "%H:%M:%S", R: "%H:%M", D: "%m/%d/%y", x: "%m/%d/%y", X: "%H:%M:%S",
    c: "%a %b %e %H:%M:%S %Y" };
  const expanded = form.replace(/%([FTRDxXc])/g, (_, letter: string) => whole[letter] ?? "");
  return expanded.replace(/%(-?)([A-Za-z%])/g, (all, dash: string, letter: string) => {
    const text = parts[letter];
    return text === undefined ? all : dash === "" ? text : text.replace(/^[0 ]+(?=.)/, "");
  });
}
