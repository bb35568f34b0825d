/** JSON as it comes: its text is handed on, its structure followed only as far as its end. */

import { Malformed, type Input, type Step } from "./input.ts";

export type OnText = (text: string) => void;

const IN_SCALAR = /[-+.\w]/;
const FIRST = /["{[\-+.\w]/;

/** One value. Raises Malformed where none begins. */
export function* jsonValue(input: Input, onText: OnText): Step<void> {
  if (!FIRST.test((yield* input.peek()) ?? "")) throw new Malformed("no value");
  let depth = 0;
  do {
    const character = yield* input.next();
    onText(character);
    if (character === "\"") yield* restOfString(input, onText);
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (depth === 0) yield* restOfScalar(input, onText);
  } while (depth > 0);
}

function* restOfString(input: Input, onText: OnText): Step<void> {
  for (;;) {
    const character = yield* input.next();
    onText(character);
    if (character === "\"") return;
    if (character === "\\") onText(yield* input.next());
  }
}

function* restOfScalar(input: Input, onText: OnText): Step<void> {
  for (;;) {
    const character = yield* input.peek();
    if (character === undefined || !IN_SCALAR.test(character)) return;
    onText(input.take(1));
  }
}

const ESCAPED: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\"": "\"", "\\": "\\", "/": "/" };

/** What a string says. */
export function* jsonString(input: Input, onText: OnText): Step<void> {
  yield* input.expect("\"");
  for (;;) {
    const character = yield* input.next();
    if (character === "\"") return;
    onText(character === "\\" ? yield* escaped(input) : character);
  }
}

function* escaped(input: Input): Step<string> {
  const letter = yield* input.next();
  if (letter !== "u") {
    const text = ESCAPED[letter];
    if (text === undefined) throw new Malformed("no escape");
    return text;
  }
  let hex = "";
  while (hex.length < 4) hex += yield* input.next();
  if (!/^[\da-fA-F]{4}$/.test(hex)) throw new Malformed("no escape");
  return String.fromCharCode(Number.parseInt(hex, 16));
}

/** A string as a whole, which is short. */
export function* jsonWord(input: Input): Step<string> {
  let word = "";
  yield* jsonString(input, (text) => { word += text; });
  return word;
}
