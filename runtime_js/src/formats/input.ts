/** Text that comes in pieces, read by generators: where it is used up, they yield until there is more, or no more. */

/** A part of a reader. It yields to wait, and returns what it read. */
export type Step<T> = Generator<undefined, T, undefined>;

/** What a model wrote is not what its format says. */
export class Malformed extends Error {}

/** Characters that may be read before it is certain what they are. */
const MAX_HELD = 1 << 16;

export class Input {
  #text = "";
  #at = 0;
  /** Where what is not certain yet begins. */
  #mark: number | null = null;
  #isEnded = false;

  push(text: string): void {
    const keep = this.#mark ?? this.#at;
    this.#text = this.#text.slice(keep) + text;
    this.#at -= keep;
    if (this.#mark !== null) this.#mark = 0;
  }

  end(): void {
    this.#isEnded = true;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** What was pushed and is not read. */
  get rest(): string {
    return this.#text.slice(this.#at);
  }

  /** Takes this many characters of the rest. */
  take(length: number): string {
    const text = this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  mark(): void {
    this.#mark = this.#at;
  }

  /** All that was read since the mark, which goes. */
  unmark(): string {
    const text = this.#text.slice(this.#mark ?? this.#at, this.#at);
    this.#mark = null;
    return text;
  }

  /** The next character, which stays; undefined at the end. Raises Malformed where too much is held. */
  *peek(): Step<string | undefined> {
    if (this.#mark !== null && this.#at - this.#mark > MAX_HELD) throw new Malformed("too long");
    while (this.#at === this.#text.length) {
      if (this.#isEnded) return undefined;
      yield;
    }
    return this.#text[this.#at];
  }

  /** The next character. Raises Malformed at the end. */
  *next(): Step<string> {
    const character = yield* this.peek();
    if (character === undefined) throw new Malformed("cut");
    this.#at++;
    return character;
  }

  *skipSpace(): Step<void> {
    for (;;) {
      const character = yield* this.peek();
      if (character === undefined || character.trim() !== "") return;
      this.#at++;
    }
  }

  /** Whether `text` comes next; it is taken then. */
  *accept(text: string): Step<boolean> {
    while (this.#text.length - this.#at < text.length) {
      if (this.#isEnded || !text.startsWith(this.rest)) return false;
      yield;
    }
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  *expect(text: string): Step<void> {
    if (!(yield* this.accept(text))) throw new Malformed(`no ${text}`);
  }

  /**
   * Hands on text until one of `tags` comes, which is taken and returned, the longest of those that begin at one place; undefined at the
   * end. What may be a tag waits. Of the text before a tag the last `trailing(text)` characters belong to the tag, and wait until it is known.
   */
  *until(tags: readonly string[], onText: (text: string) => void, trailing: (text: string) => number = spaces): Step<string | undefined> {
    const give = (text: string): void => { if (text !== "") onText(text); };
    for (;;) {
      const { rest } = this;
      const [at, tag] = first(rest, tags);
      const open = this.#isEnded ? rest.length : rest.length - beginning(rest, tags);
      if (tag !== "" && (at < open || this.#isEnded)) {
        const text = this.take(at);
        give(text.slice(0, text.length - trailing(text)));
        return this.take(tag.length);
      }
      const text = this.take(Math.min(at, open));
      const waits = this.#isEnded || tags.length === 0 ? 0 : trailing(text);
      this.#at -= waits;
      give(text.slice(0, text.length - waits));
      if (this.#isEnded) return undefined;
      yield;
    }
  }
}

/** Where the first of `tags` is, and which; the text's end and "" where there is none. */
function first(text: string, tags: readonly string[]): readonly [number, string] {
  let [at, found] = [text.length, ""];
  for (const tag of tags) {
    const place = text.indexOf(tag);
    if (place < 0 || place > at || (place === at && tag.length < found.length)) continue;
    [at, found] = [place, tag];
  }
  return [at, found];
}

const MAX_SPACE = 64;

/** Spaces at the end of a text, of which some count. */
export function spaces(text: string): number {
  return Math.min(text.length - text.trimEnd().length, MAX_SPACE);
}

/** Length of the longest end of `text` that is a beginning of a tag, but not all of it. */
function beginning(text: string, tags: readonly string[]): number {
  const longest = Math.max(0, ...tags.map((tag) => tag.length - 1));
  for (let length = Math.min(text.length, longest); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (tags.some((tag) => tag.length > length && tag.startsWith(end))) return length;
  }
  return 0;
}
