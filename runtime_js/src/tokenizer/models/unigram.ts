/** Unigram: of all ways to cut a piece into tokens the likeliest, whose scores (logarithms) have the largest sum. */

import type { Fields } from "../../support/fields.ts";
import type { Model } from "./model.ts";
import { Trie } from "./trie.ts";
import { readBytes, type BytesOf } from "./vocabulary.ts";

/** How much less likely than every token one is that is not known. */
const UNKNOWN_PENALTY = 10;

export class Unigram implements Model {
  readonly ids: ReadonlyMap<string, number>;
  readonly #scores: Float64Array;
  readonly #trie = new Trie();
  readonly #unknown: number;
  readonly #unknownScore: number;
  readonly #bytes: BytesOf;

  constructor(model: Fields) {
    const entries: unknown = model.raw("vocab");
    if (!Array.isArray(entries)) throw new Error("model.vocab is no list of tokens and scores");
    const ids = new Map<string, number>();
    this.ids = ids;
    this.#scores = new Float64Array(entries.length);
    for (const [id, entry] of entries.entries()) {
      const [token, score]: unknown[] = Array.isArray(entry) ? entry : [];
      if (typeof token !== "string" || typeof score !== "number") throw new Error("model.vocab is no list of tokens and scores");
      ids.set(token, id);
      this.#scores[id] = score;
      this.#trie.add(token, id);
    }
    const unknown: unknown = model.raw("unk_id");
    this.#unknown = typeof unknown === "number" ? unknown : -1;
    this.#unknownScore = this.#scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
    this.#bytes = readBytes(model, ids);
  }

  encode(piece: string, out: number[]): void {
    const { length } = piece;
    const best = new Float64Array(length + 1).fill(-Infinity);
    const [from, by] = [new Int32Array(length + 1), new Int32Array(length + 1)];
    best[0] = 0;
    const offer = (at: number, end: number, token: number, score: number): void => {
      const sum = (best[at] ?? 0) + score;
      if (sum <= (best[end] ?? 0)) return;
      best[end] = sum;
      from[end] = at;
      by[end] = token;
    };
    for (let at = 0, width = 1; at < length; at += width) {
      width = (piece.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      let node: Trie | undefined = this.#trie;
      let hasCharacter = false;
      for (let end = at; end < length; end++) {
        node = node.below.get(piece.charCodeAt(end));
        if (node === undefined) break;
        if (node.token < 0) continue;
        offer(at, end + 1, node.token, this.#scores[node.token] ?? 0);
        hasCharacter ||= end + 1 === at + width;
      }
      if (!hasCharacter) offer(at, at + width, this.#unknown, this.#unknownScore);
    }
    this.#write(piece, from, by, out);
  }

  /** Unknown characters that stand together are one token, or their bytes. */
  #write(piece: string, from: Int32Array, by: Int32Array, out: number[]): void {
    const cuts: (readonly [start: number, end: number, token: number])[] = [];
    for (let end = piece.length; end > 0; end = from[end] ?? 0) cuts.push([from[end] ?? 0, end, by[end] ?? 0]);
    cuts.reverse();
    for (let i = 0; i < cuts.length; i++) {
      const [start, , token] = cuts[i] ?? [0, 0, 0];
      if (token !== this.#unknown) {
        out.push(token);
        continue;
      }
      while (cuts[i + 1]?.[2] === this.#unknown) i++;
      for (const known of this.#bytes(piece.slice(start, cuts[i]?.[1])) ?? [token]) out.push(known);
    }
  }
}
