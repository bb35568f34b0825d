/** Names, as calls and their arguments have them. */

import { Malformed, type Input, type Step } from "./input.ts";

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

/** What stands in a tag for anything short, and how short that is. */
const HOLE = "{}";
const MAX_HOLE = 64;

export function hasHole(tag: string): boolean {
  return tag.includes(HOLE);
}

export function filled(tag: string, text: string): string {
  return tag.replaceAll(HOLE, text);
}

/** Reads a tag, whatever its holes have. */
export function* expectTag(input: Input, tag: string): Step<void> {
  const [begin = "", ...others] = tag.split(HOLE);
  yield* input.expect(begin);
  for (const part of others) {
    for (let length = 0; !(yield* input.accept(part)); length++) {
      if (length === MAX_HOLE) throw new Malformed(`no ${part}`);
      yield* input.next();
    }
  }
}
