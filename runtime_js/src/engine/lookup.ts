/** Drafts from texts that are known: what followed, somewhere in them, the same tokens as came last. */

import type { DraftSource } from "./draft_source.ts";

/** Tokens that must be the same before one is drafted. */
const LEAST_MATCH = 3;
/** How far a match is compared, and with how many places. */
const LONGEST_MATCH = 32;
const MOST_PLACES = 16;
/** Tokens of a text that are looked up, the last ones: each takes a few dozen bytes and a part of a microsecond. */
const MOST_TEXT = 1 << 15;

/** FNV-1a of the tokens before `end`. */
function hashBefore(tokens: readonly number[], end: number): number {
  let hash = 0x811c9dc5;
  for (let i = end - LEAST_MATCH; i < end; i++) hash = Math.imul(hash ^ (tokens[i] ?? 0), 0x01000193);
  return hash;
}

/** Where in a text its tokens are: finds places behind the same tokens. The text only grows. */
class Places {
  readonly #latest = new Map<number, number>();
  /** By place, the one before it that has the same hash; by distance from `#first`. */
  readonly #earlier: number[] = [];
  readonly #first: number;

  constructor(readonly text: readonly number[]) {
    this.#first = Math.max(LEAST_MATCH, text.length - MOST_TEXT);
  }

  /** Takes in the places before `end`. */
  index(end: number): void {
    for (let place = this.#first + this.#earlier.length; place < end; place++) {
      const hash = hashBefore(this.text, place);
      this.#earlier.push(this.#latest.get(hash) ?? -1);
      this.#latest.set(hash, place);
    }
  }

  /** The place that has most of the last of `tokens` before it, the latest of several; -1: none has enough. */
  find(tokens: readonly number[]): number {
    let [best, longest] = [-1, LEAST_MATCH - 1];
    if (tokens.length < LEAST_MATCH) return best;
    let place = this.#latest.get(hashBefore(tokens, tokens.length)) ?? -1;
    for (let count = 0; place >= 0 && count < MOST_PLACES; count++) {
      let length = 0;
      while (length < LONGEST_MATCH && length < place && this.text[place - 1 - length] === tokens[tokens.length - 1 - length]) length++;
      if (length > longest) [best, longest] = [place, length];
      place = this.#earlier[place - this.#first] ?? -1;
    }
    return best;
  }
}

/**
 * Drafts what followed in a text, or in prompt and answer as far as that has come. It follows a place of the text for as long as that tells
 * what comes.
 */
export class Lookup implements DraftSource {
  readonly likely: number;
  readonly #text: readonly number[] | undefined;
  #places: Places | null = null;
  /** Tokens that it has followed. */
  #seen: number;
  /** Where in the text the next token is expected; -1: nowhere. */
  #next: number;

  /** Without a text: prompt and answer. With one, the tokens from `begin` on are expected to be its own. */
  constructor(text?: readonly number[], begin = 0) {
    this.#text = text;
    this.likely = text === undefined ? 0.5 : 0.9;
    [this.#seen, this.#next] = [begin, text === undefined ? -1 : 0];
  }

  propose(tokens: readonly number[], most: number): readonly number[] {
    const { text } = this.#follow(tokens);
    const draft: number[] = [];
    while (this.#next >= 0 && draft.length < most) {
      const at = this.#next + draft.length;
      const token = text[at] ?? (this.#text === undefined ? draft[at - text.length] : undefined); // what repeats goes on repeating
      if (token === undefined || token < 0) break; // what is no word nobody says
      draft.push(token);
    }
    return draft;
  }

  /** Brings the place to where the tokens are. */
  #follow(tokens: readonly number[]): Places {
    if (tokens.length < this.#seen) [this.#places, this.#seen, this.#next] = [null, tokens.length, -1]; // some were left out
    const places = this.#places ??= new Places(this.#text ?? tokens);
    for (; this.#seen < tokens.length; this.#seen++) {
      if (this.#next >= 0) this.#next = places.text[this.#next] === tokens[this.#seen] ? this.#next + 1 : -1;
    }
    places.index(this.#text === undefined ? tokens.length : this.#text.length);
    if (this.#next < 0) this.#next = places.find(tokens);
    return places;
  }
}
