/** Python's methods of strings, dictionaries and lists, and its dates. */

import { spendText } from "./budget.ts";
import { formatMethod } from "./formats.ts";
import { entriesOf, isEqual, itemsOf, keyOf, keyValue, listOf, numberOf, textOf, tupleOf, wrap, type Arguments, type Value } from "./values.ts";

export function argument({ given, named }: Arguments, at: number, name: string): Value | undefined {
  return given[at] ?? named.get(name);
}

type Method = (self: Value, args: Arguments) => Value;

/** What Python takes for white space, and for the end of a line. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const [IS_SPACE, SPACES, ALL_SPACE] = [new RegExp(`[${SPACE}]`), new RegExp(`[${SPACE}]+`), new RegExp(`^[${SPACE}]+$`)];
const LINE = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;

/** Looks at the ends alone: texts are long. */
export function stripped(text: string, characters: string | undefined, left = true, right = true): string {
  const set = characters === undefined ? undefined : new Set(characters);
  const isGone = (character: string): boolean => (set === undefined ? IS_SPACE.test(character) : set.has(character));
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

/** Places count characters, of which some take two units. */
const hasPairs = (text: string): boolean => /[\ud800-\udbff]/.test(text);

function unitsOf(text: string, characters: number): number {
  if (!hasPairs(text)) return characters;
  let at = 0;
  for (let i = 0; i < characters && at < text.length; i++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

function charactersOf(text: string, units: number): number {
  return units < 0 || !hasPairs(text) ? units : Array.from(text.slice(0, units)).length;
}

/** The part of a text from a second argument's place to a third's, and where it begins; undefined where that is behind the end. */
function windowOf(self: Value, { given }: Arguments): { text: string; offset: number } | undefined {
  const text = textOf(self);
  if (given.length < 2) return { text, offset: 0 };
  const length = Array.from(text).length;
  const [start = 0, end = length] = given.slice(1).map((bound) => {
    if (bound.kind === "none") return undefined;
    const number = numberOf(bound);
    return number < 0 ? Math.max(0, number + length) : number;
  });
  return start > length || start > end ? undefined : { text: text.slice(unitsOf(text, start), unitsOf(text, Math.min(end, length))), offset: start };
}

function found(self: Value, args: Arguments, find: (text: string, part: string) => number): number {
  const window = windowOf(self, args);
  if (window === undefined) return -1;
  const at = charactersOf(window.text, find(window.text, textOf(args.given[0] ?? wrap(undefined))));
  return at < 0 ? -1 : at + window.offset;
}

const finding = (find: (text: string, part: string) => number, isNeeded: boolean): Method => (self, args) => {
  const at = found(self, args, find);
  if (at < 0 && isNeeded) throw new Error("substring not found");
  return wrap(at);
};
const first = (text: string, part: string): number => text.indexOf(part);
const last = (text: string, part: string): number => text.lastIndexOf(part);

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
  let parts = isWords ? stripped(text, undefined).split(SPACES).filter((part) => part !== "") : text.split(separator);
  if (isWords ? most < Infinity : parts.length - 1 > most) {
    if (isWords) {
      parts = [];
      let rest = stripped(text, undefined, !fromRight, fromRight);
      const by = fromRight ? new RegExp(`[${SPACE}]+(?=[^${SPACE}]*$)`) : SPACES;
      for (let i = 0; i < most; i++) {
        const cut = by.exec(rest);
        if (cut === null) break;
        const [before, behind] = [rest.slice(0, cut.index), rest.slice(cut.index + cut[0].length)];
        if (fromRight) parts.unshift(behind);
        else parts.push(before);
        rest = fromRight ? before : behind;
      }
      if (rest !== "") {
        if (fromRight) parts.unshift(rest);
        else parts.push(rest);
      }
    } else {
      const rest = fromRight ? parts.slice(0, parts.length - most) : parts.slice(most);
      parts = fromRight ? [rest.join(separator), ...parts.slice(parts.length - most)] : [...parts.slice(0, most), rest.join(separator)];
    }
  }
  return listOf(parts.map(wrap));
}

function partition(self: Value, { given: [by] }: Arguments, at: number): Value {
  const [text, separator] = [textOf(self), textOf(by ?? wrap(undefined))];
  if (separator === "") throw new Error("empty separator");
  const parts = at < 0 ? [text, "", ""] : [text.slice(0, at), separator, text.slice(at + separator.length)];
  return tupleOf(parts.map(wrap));
}

const ends = (has: (text: string, end: string) => boolean): Method => (self, args) => {
  const [window, [asked = wrap(undefined)]] = [windowOf(self, args), args.given];
  return wrap(window !== undefined && (asked.kind === "list" ? itemsOf(asked) : [asked]).some((end) => has(window.text, textOf(end))));
};

export function joinedTexts(texts: readonly string[], by: string): string {
  spendText(texts.reduce((sum, text) => sum + text.length + by.length, 0));
  return texts.join(by);
}

const all = (pattern: RegExp): Method => (self) => wrap(pattern.test(textOf(self)));

function padded(self: Value, { given: [width = wrap(0), fill = wrap(" ")] }: Arguments, share: number): Value {
  const text = textOf(self);
  const missing = Math.max(0, numberOf(width) - Array.from(text).length);
  spendText(missing);
  const before = share === 0.5 ? Math.floor(missing / 2) + (missing & numberOf(width) & 1) : missing * share; // as CPython
  return wrap(textOf(fill).repeat(before) + text + textOf(fill).repeat(missing - before));
}

/** A letter at the beginning of a word; of one that becomes several only the first is large. */
function large(letter: string): string {
  const pairs: Readonly<Record<string, string>> = { "\u01c4": "\u01c5", "\u01c6": "\u01c5", "\u01c7": "\u01c8", "\u01c9": "\u01c8", "\u01ca": "\u01cb", "\u01cc": "\u01cb", "\u01f1": "\u01f2", "\u01f3": "\u01f2", "\u0149": "\u02bcN" };
  const [start = "", ...rest] = Array.from(letter.toUpperCase());
  return pairs[letter] ?? (/[\u01c5\u01c8\u01cb\u01f2\u10d0-\u10ff]/u.test(letter) ? letter : start + rest.join("").toLowerCase());
}

/** Python's `title`: a word is letters that have cases. */
export function titled(text: string): string {
  return text.replace(/\p{Cased}\p{Cased}*/gu, (word) => capitalized(word));
}

export function capitalized(text: string): string {
  const [start = "", ...rest] = Array.from(text);
  return large(start) + rest.join("").toLowerCase();
}

export function replaced(text: string, from: string, to: string, most = Infinity): string {
  const parts = from === "" ? ["", ...Array.from(text), ""] : text.split(from);
  spendText(text.length + Math.min(most, parts.length - 1) * to.length);
  return parts.reduce((done, part, i) => done + (i - 1 < most ? to : from) + part);
}

const STRING: Readonly<Record<string, Method>> = {
  strip: strip(true, true), lstrip: strip(true, false), rstrip: strip(false, true),
  split: (self, args) => split(self, args, false), rsplit: (self, args) => split(self, args, true),
  splitlines: (self, args) => {
    const [text, keeps] = [textOf(self), argument(args, 0, "keepends")];
    const lines: string[] = [];
    let start = 0;
    for (const { 0: end, index } of text.matchAll(LINE)) {
      lines.push(text.slice(start, keeps?.value === true ? index + end.length : index));
      start = index + end.length;
    }
    return listOf([...lines, ...(start < text.length ? [text.slice(start)] : [])].map(wrap));
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
  casefold: (self) => wrap(Array.from(textOf(self), (letter) => letter.toUpperCase().toLowerCase()).join("")),
  swapcase: (self) => wrap(Array.from(textOf(self), (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join("")),
  title: (self) => wrap(titled(textOf(self))), capitalize: (self) => wrap(capitalized(textOf(self))),
  replace: (self, args) => {
    const most = argument(args, 2, "count");
    const [from = wrap(""), to = wrap("")] = args.given;
    return wrap(replaced(textOf(self), textOf(from), textOf(to), most === undefined || numberOf(most) < 0 ? Infinity : numberOf(most)));
  },
  join: (self, { given: [items = wrap([])] }) => wrap(joinedTexts(itemsOf(items).map(textOf), textOf(self))),
  format: formatMethod,
  find: finding(first, false), rfind: finding(last, false), index: finding(first, true), rindex: finding(last, true),
  count: (self, args) => {
    const [window, part] = [windowOf(self, args), textOf(args.given[0] ?? wrap(undefined))];
    if (window === undefined) return wrap(0);
    return wrap(part === "" ? Array.from(window.text).length + 1 : window.text.split(part).length - 1);
  },
  isdecimal: all(/^\p{Nd}+$/u), isdigit: all(/^[\p{Nd}\xb2\xb3\xb9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]+$/u), isnumeric: all(/^\p{N}+$/u),
  isascii: all(/^[\0-\x7f]*$/), isidentifier: all(/^[\p{ID_Start}_]\p{ID_Continue}*$/u), istitle: (self) => wrap(/\p{Cased}/u.test(textOf(self)) && titled(textOf(self)) === textOf(self)),
  isprintable: all(/^[^\p{C}\p{Zl}\p{Zp}\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]*$/u),
  expandtabs: (self, args) => {
    const size = Math.max(0, numberOf(argument(args, 0, "tabsize") ?? wrap(8)));
    spendText(size * textOf(self).length);
    return wrap(textOf(self).split(/(?<=[\n\r])/).map((line) => line.split("\t").reduce((done, part) => done + " ".repeat(size - (Array.from(done).length % size)) + part)).join(""));
  }, isalpha: all(/^\p{L}+$/u), isalnum: all(/^[\p{L}\p{N}]+$/u),
  isspace: all(ALL_SPACE),
  isupper: (self) => wrap(/\p{Cased}/u.test(textOf(self)) && textOf(self) === textOf(self).toUpperCase()),
  islower: (self) => wrap(/\p{Cased}/u.test(textOf(self)) && textOf(self) === textOf(self).toLowerCase()),
  ljust: (self, args) => padded(self, args, 0), rjust: (self, args) => padded(self, args, 1), center: (self, args) => padded(self, args,
    0.5),
  zfill: (self, { given: [width = wrap(0)] }) => {
    const zeros = Math.max(0, numberOf(width) - Array.from(textOf(self)).length);
    spendText(zeros);
    return wrap(textOf(self).replace(/^[+-]?/, (sign) => sign + "0".repeat(zeros)));
  },
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
