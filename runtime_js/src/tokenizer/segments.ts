/**
 * Encodes only what is new of a prompt. A text is cut before its control tokens, where a tokenizer cuts it too, and the ids of segments are
 * remembered: of a conversation that goes on, only the last messages are encoded.
 */

import type { AddedToken } from "./added_tokens.ts";

/** Parts a control token that somebody wrote into a message, so that it stays text: a noncharacter of Unicode, which no text has. */
const BREAK = "\u{fdd0}";

/** Characters of segments that are remembered. */
const MAX_CHARACTERS = 1 << 21;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function anyOf(tokens: readonly AddedToken[]): RegExp | null {
  const contents = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
  return contents.length === 0 ? null : new RegExp(contents.map(escaped).join("|"), "gu");
}

export class SegmentEncoder {
  readonly #encode: (text: string) => readonly number[];
  /** Finds every token that is looked for before anything else; of those that begin alike the longest. */
  readonly #tokens: RegExp | null;
  readonly #joined: ReadonlySet<string>;
  /** Finds the tokens that only a template may write. */
  readonly #control: RegExp | null;
  /** Used last comes last. */
  readonly #known = new Map<string, readonly number[]>();
  #characters = 0;

  constructor(added: readonly AddedToken[], encode: (text: string) => readonly number[]) {
    this.#encode = encode;
    const first = added.filter(({ isNormalized }) => !isNormalized);
    this.#tokens = anyOf(first);
    this.#control = anyOf(added.filter(({ isSpecial, content }) => isSpecial && content.length > 1));
    this.#joined = new Set(first.filter(({ stripsLeft }) => stripsLeft).map(({ content }) => content)); // they change what is before them
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    for (const segment of this.#segments(text)) for (const id of this.#idsOf(segment)) ids.push(id);
    for (const [oldest] of this.#known) {
      if (this.#characters <= MAX_CHARACTERS) break;
      this.#forget(oldest);
    }
    return ids;
  }

  /** A message's text in which no control token is one: a document that is pasted cannot end a turn and begin another. */
  asText(content: string): string {
    const text = content.replaceAll(BREAK, "");
    return this.#control === null ? text : text.replace(this.#control, ([first = "", ...rest]) => `${first}${BREAK}${rest.join("")}`);
  }

  #segments(text: string): string[] {
    return text.split(BREAK).flatMap((part) => this.#parts(part));
  }

  #parts(text: string): string[] {
    const cuts = this.#tokens === null ? [] : [...text.matchAll(this.#tokens)].filter(([token]) => !this.#joined.has(token)).map(({ index }) => index);
    const bounds = [0, ...cuts.filter((cut) => cut > 0), text.length];
    return bounds.slice(1).map((end, i) => text.slice(bounds[i], end)).filter((segment) => segment !== "");
  }

  #idsOf(segment: string): readonly number[] {
    const ids = this.#known.get(segment) ?? this.#encode(segment);
    this.#forget(segment);
    this.#known.set(segment, ids);
    this.#characters += segment.length;
    return ids;
  }

  #forget(segment: string): void {
    if (this.#known.delete(segment)) this.#characters -= segment.length;
  }
}
