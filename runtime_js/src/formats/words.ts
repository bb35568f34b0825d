/** Names, as calls and their arguments have them. */

import type { Input, Step } from "./input.ts";

const IN_NAME = /[\w./:-]/;
const IN_KEY = /[\w.$-]/;

function* letters(input: Input, pattern: RegExp): Step<string> {
  let text = "";
  for (;;) {
    const character = yield* input.peek();
    if (character === undefined || !pattern.test(character)) return text;
    text += input.take(1);
  }
}

export function word(input: Input): Step<string> {
  return letters(input, IN_NAME);
}

export function key(input: Input): Step<string> {
  return letters(input, IN_KEY);
}
