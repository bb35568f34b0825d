/** JSON that is read as Python reads it: keys keep their order, 1.0 is no 1, and integers have all their digits. */

import { Unread, dictOf, floatOf, listOf, wrap, type Value } from "./values.ts";

/** Text that is known to be JSON. */
export class JsonText extends Unread {
  constructor(readonly text: string) {
    super();
  }

  read(): Value {
    return readJson(this.text);
  }
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:])/gy;

function readJson(text: string): Value {
  const tokens = text.match(TOKEN)?.map((token) => token.trim()) ?? [];
  let at = 0;
  const value = (): Value => {
    const token = tokens[at++] ?? "";
    if (token === "[") {
      const items: Value[] = [];
      while (tokens[at] !== "]") {
        items.push(value());
        if (tokens[at] === ",") at++;
      }
      at++;
      return listOf(items);
    }
    if (token === "{") {
      const entries: [string, Value][] = [];
      while (tokens[at] !== "}") {
        const key: unknown = JSON.parse(tokens[at] ?? "");
        at += 2;
        entries.push([String(key), value()]);
        if (tokens[at] === ",") at++;
      }
      at++;
      return dictOf(entries);
    }
    const read: unknown = JSON.parse(token);
    if (typeof read !== "number") return wrap(read);
    if (/[.eE]/.test(token)) return floatOf(read);
    return Number.isSafeInteger(read) ? wrap(read) : { kind: "int", value: read, digits: token };
  };
  return value();
}
