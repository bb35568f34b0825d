/** Byte-pair encoding: of all neighbours that a rule joins, those of the best rule are joined first, from left to right. */

import type { Fields } from "../../support/fields.ts";
import type { Model } from "./model.ts";
import { PairTable } from "./pair_table.ts";
import { readBytes, readIds, type BytesOf } from "./vocabulary.ts";

/** Pieces that are remembered, and how long one is at most. */
const MAX_KNOWN = 1 << 14;
const MAX_PIECE = 64;
const PLACES = 2 ** 32;

export class BytePairs implements Model {
  readonly ids: ReadonlyMap<string, number>;
  readonly #pairs: PairTable;
  readonly #unknown: number | undefined;
  readonly #fusesUnknown: boolean;
  readonly #takesWhole: boolean;
  readonly #bytes: BytesOf;
  readonly #suffix: string;
  readonly #known = new Map<string, readonly number[]>();

  constructor(model: Fields) {
    const ids = readIds(model);
    const [unknown, suffix] = [model.raw("unk_token"), model.raw("end_of_word_suffix")];
    this.ids = ids;
    this.#pairs = new PairTable(model, ids);
    this.#unknown = typeof unknown === "string" ? ids.get(unknown) : undefined;
    this.#fusesUnknown = model.raw("fuse_unk") === true;
    this.#takesWhole = model.raw("ignore_merges") === true;
    this.#bytes = readBytes(model, ids);
    this.#suffix = typeof suffix === "string" ? suffix : "";
  }

  encode(piece: string, out: number[]): void {
    const whole = this.#takesWhole ? this.ids.get(piece) : undefined;
    if (whole !== undefined) {
      out.push(whole);
      return;
    }
    let tokens = this.#known.get(piece);
    if (tokens === undefined) {
      tokens = this.#joined(this.#letters(piece));
      if (piece.length <= MAX_PIECE) {
        if (this.#known.size >= MAX_KNOWN) this.#known.clear();
        this.#known.set(piece, tokens);
      }
    }
    for (const token of tokens) out.push(token);
  }

  /** A token a character, or its bytes, or the unknown one; nothing where there is none of these. */
  #letters(piece: string): number[] {
    const letters: number[] = [];
    let wasUnknown = false;
    let at = 0;
    for (const character of piece) {
      at += character.length;
      const spelled = at === piece.length ? character + this.#suffix : character;
      const token = this.ids.get(spelled);
      const bytes = token === undefined ? this.#bytes(spelled) : undefined;
      if (token !== undefined) {
        letters.push(token);
      } else if (bytes !== undefined) {
        for (const byte of bytes) letters.push(byte);
      } else if (this.#unknown !== undefined && !(wasUnknown && this.#fusesUnknown)) {
        letters.push(this.#unknown);
      }
      wasUnknown = token === undefined && bytes === undefined;
    }
    return letters;
  }

  /** Joins neighbours, in steps that grow as the length times its logarithm: a queue holds each pair with its rule and place. */
  #joined(letters: number[]): number[] {
    const { length } = letters;
    if (length < 2) return letters;
    const tokens = Int32Array.from(letters);
    const [next, previous] = [new Int32Array(length), new Int32Array(length)];
    for (let at = 0; at < length; at++) [next[at], previous[at]] = [at + 1 < length ? at + 1 : -1, at - 1];
    const rules = new Int32Array(length).fill(-1); // of a place and the one behind it; -1 for none
    const queue = new Queue(2 * length);
    const look = (at: number): void => {
      if (at < 0) return;
      const behind = next[at] ?? -1;
      const rule = behind < 0 ? -1 : this.#pairs.rule(tokens[at] ?? 0, tokens[behind] ?? 0);
      rules[at] = rule;
      if (rule >= 0) queue.push(rule * PLACES + at);
    };
    for (let at = 0; at + 1 < length; at++) look(at);
    for (let first = queue.pop(); first >= 0; first = queue.pop()) {
      const rule = Math.floor(first / PLACES);
      const at = first - rule * PLACES;
      if (rules[at] !== rule) continue; // one of the two was joined meanwhile
      const gone = next[at] ?? -1;
      const behind = next[gone] ?? -1;
      tokens[at] = this.#pairs.result(rule);
      rules[gone] = -1;
      next[at] = behind;
      if (behind >= 0) previous[behind] = at;
      look(previous[at] ?? -1);
      look(at);
    }
    const joined: number[] = [];
    for (let at = 0; at >= 0; at = next[at] ?? -1) joined.push(tokens[at] ?? 0);
    return joined;
  }
}

/** A heap of numbers; the smallest comes first, -1 where there is none. */
class Queue {
  readonly #heap: Float64Array;
  #length = 0;

  constructor(most: number) {
    this.#heap = new Float64Array(most + 1);
  }

  push(value: number): void {
    const heap = this.#heap;
    let at = this.#length++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above] ?? 0;
      if (other <= value) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = value;
  }

  pop(): number {
    const heap = this.#heap;
    if (this.#length === 0) return -1;
    const first = heap[0] ?? -1;
    const length = --this.#length;
    const value = heap[length] ?? 0;
    let at = 0;
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && (heap[below + 1] ?? 0) < (heap[below] ?? 0)) below++;
      const other = heap[below] ?? 0;
      if (other >= value) break;
      heap[at] = other;
      at = below;
    }
    heap[at] = value;
    return first;
  }
}
