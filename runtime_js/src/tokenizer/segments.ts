/**
 * Encodes only what is new of a prompt. A text is cut before its control tokens, where a tokenizer cuts it too, and the ids of segments are
 * remembered: of a conversation that goes on, only the last messages are encoded.
 */

import type { AddedToken } from "./added_tokens.ts";

/** Characters of segments that are remembered. */
const MAX_CHARACTERS = 1 << 21;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

export class SegmentEncoder {
  readonly #encode: (text: string) => readonly number[];
  /** Finds every token that is looked for before anything else; of those that begin alike the longest. */
  readonly #tokens: RegExp | null;
  readonly #joined: ReadonlySet<string>;
  /** Used last comes last. */
  readonly #known = new Map<string, readonly number[]>();
  #characters = 0;

  constructor(added: readonly AddedToken[], encode: (text: string) => readonly number[]) {
    this.#encode = encode;
    const first = added.filter(({ isNormalized }) => !isNormalized);
    const contents = first.map(({ content }) => content).sort((a, b) => b.length - a.length);
    this.#tokens = contents.length === 0 ? null : new RegExp(contents.map(escaped).join("|"), "gu");
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

  #segments(text: string): string[] {
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
