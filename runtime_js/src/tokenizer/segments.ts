/**
 * Encodes only what is new of a prompt. A text is cut before its control tokens, where a tokenizer cuts it too, and the ids of segments are
 * remembered, and so are those of the texts that came last: of a conversation that goes on, only the last messages are looked at.
 */

import type { AddedToken } from "./added_tokens.ts";

/** Parts a control token that somebody wrote into a message, so that it stays text: a noncharacter of Unicode, which no text has. */
const BREAK = "\u{fdd0}";

/** Characters of segments that are remembered. */
const MAX_CHARACTERS = 1 << 21;
/** Whole texts that are remembered. */
const MAX_RECENT = 4;
const BLOCK = 1024;

/** A text that was encoded, with where its segments begin: in the text, and in its ids. */
interface Encoded {
  readonly text: string;
  readonly cuts: readonly { readonly at: number; readonly ids: number }[];
  readonly ids: readonly number[];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Of those that begin alike the longest. */
function anyOf(contents: readonly string[]): RegExp | null {
  return contents.length === 0 ? null : new RegExp(contents.toSorted((a, b) => b.length - a.length).map(escaped).join("|"), "gu");
}

/** Characters that both begin with, counted in whole blocks, which are compared at once. */
function commonBlocks(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length + BLOCK <= most && a.slice(length, length + BLOCK) === b.slice(length, length + BLOCK)) length += BLOCK;
  return length;
}

export class SegmentEncoder {
  readonly #encode: (text: string, isFirst: boolean) => readonly number[];
  /** Finds every token that is looked for before anything else, and every BREAK. */
  readonly #cuts: RegExp;
  /** Characters of the longest of them. */
  readonly #longest: number;
  readonly #joined: ReadonlySet<string>;
  /** Finds the tokens that only a template may write. */
  readonly #control: RegExp | null;
  /** Used last comes last. */
  readonly #known = new Map<string, readonly number[]>();
  #characters = 0;
  /** Used last comes last. */
  #recent: Encoded[] = [];

  constructor(added: readonly AddedToken[], encode: (text: string, isFirst: boolean) => readonly number[]) {
    this.#encode = encode;
    const first = added.filter(({ isNormalized }) => !isNormalized);
    const contents = [BREAK, ...first.map(({ content }) => content)];
    this.#cuts = anyOf(contents) ?? /(?!)/gu;
    this.#longest = Math.max(...contents.map(({ length }) => length));
    this.#control = anyOf(added.filter(({ isSpecial, content }) => isSpecial && content.length > 1).map(({ content }) => content));
    this.#joined = new Set(first.filter(({ stripsLeft, isWord }) => stripsLeft || isWord).map(({ content }) => content)); // they look at what is before them
  }

  encode(text: string): readonly number[] {
    const { text: before, cuts: cutsBefore, ids: idsBefore } = this.#mostAlike(text);
    const common = commonBlocks(before, text);
    const cuts = cutsBefore.filter(({ at }) => at + this.#longest <= common); // what comes there is cut there in both
    const last = cuts.pop() ?? { at: 0, ids: 0 };
    const added: number[] = [];
    for (const [at, end] of this.#segments(text, last.at)) {
      cuts.push({ at, ids: last.ids + added.length });
      for (const id of this.#idsOf(text.slice(at, end), at === 0)) added.push(id);
    }
    const ids = idsBefore.slice(0, last.ids).concat(added);
    this.#recent = [...this.#recent, { text, cuts, ids }].slice(-MAX_RECENT);
    while (this.#recent.reduce((sum, one) => sum + one.text.length, 0) > MAX_CHARACTERS) this.#recent.shift();
    for (const [oldest] of this.#known) {
      if (this.#characters <= MAX_CHARACTERS) break;
      this.#forget(oldest);
    }
    return ids;
  }

  /** Token ids of a text behind another. */
  encodeBehind(text: string): readonly number[] {
    return [...this.#segments(text, 0)].flatMap(([at, end]) => this.#idsOf(text.slice(at, end), false));
  }

  /** Of the texts that came last, the one that the text has most in common with; it counts as used now. */
  #mostAlike(text: string): Encoded {
    let [best, length]: [Encoded, number] = [{ text: "", cuts: [], ids: [] }, 0];
    for (const one of this.#recent.toReversed()) {
      if (one.text.slice(length, length + BLOCK) !== text.slice(length, length + BLOCK)) continue; // it has not more
      const common = commonBlocks(one.text, text);
      if (common > length) [best, length] = [one, common];
    }
    if (length > 0) this.#recent = [...this.#recent.filter((one) => one !== best), best];
    return best;
  }

  /** A message's text in which no control token is one: a document that is pasted cannot end a turn and begin another. */
  asText(content: string): string {
    const text = content.replaceAll(BREAK, "");
    return this.#control === null ? text : text.replace(this.#control, ([first = "", ...rest]) => `${first}${BREAK}${rest.join("")}`);
  }

  /** A text in which none of these is what it spells. */
  without(content: string, marks: readonly string[]): string {
    return marks.reduce((text, mark) => text.replaceAll(mark, `${mark.slice(0, 1)}${BREAK}${mark.slice(1)}`), content);
  }

  /** Where segments begin and end, from a cut on. */
  *#segments(text: string, from: number): Generator<readonly [start: number, end: number], void, undefined> {
    let start = from;
    this.#cuts.lastIndex = from;
    for (let found = this.#cuts.exec(text); found !== null; found = this.#cuts.exec(text)) {
      const { 0: token, index } = found;
      if (this.#joined.has(token)) continue;
      if (index > start) yield [start, index];
      start = token === BREAK ? index + BREAK.length : index;
    }
    if (text.length > start) yield [start, text.length];
  }

  #idsOf(segment: string, isFirst: boolean): readonly number[] {
    const key = isFirst ? BREAK + segment : segment;
    const ids = this.#known.get(key) ?? this.#encode(segment, isFirst);
    this.#forget(key);
    this.#known.set(key, ids);
    this.#characters += key.length;
    return ids;
  }

  #forget(segment: string): void {
    if (this.#known.delete(segment)) this.#characters -= segment.length;
  }
}
