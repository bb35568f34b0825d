/** Which rule joins two tokens, and into which: a hash table of numbers, because a vocabulary has up to half a million rules. */

import type { Fields } from "../../support/fields.ts";

export class PairTable {
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  /** By place: a rule and one; 0 for a free place. */
  readonly #rules: Int32Array;
  readonly #results: Int32Array;
  readonly #mask: number;

  /** Rules whose tokens the vocabulary does not have are an error, as in the tokenizers library. Of equal ones the last counts, as there. */
  constructor(model: Fields, ids: ReadonlyMap<string, number>) {
    const merges: unknown = model.raw("merges");
    if (!Array.isArray(merges)) throw new Error("model.merges is no list");
    const size = 1 << Math.ceil(Math.log2(2 * merges.length + 2));
    [this.#left, this.#right, this.#rules] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
    this.#results = new Int32Array(merges.length);
    this.#mask = size - 1;
    for (const [rule, merge] of merges.entries()) {
      const [left, right] = pairOf(merge);
      const [first, second, result] = [ids.get(left), ids.get(right), ids.get(left + right)];
      if (first === undefined || second === undefined || result === undefined) throw new Error(`the merge of ${left} and ${right} does not fit the vocabulary`);
      const place = this.#place(first, second);
      this.#left[place] = first;
      this.#right[place] = second;
      this.#rules[place] = rule + 1;
      this.#results[rule] = result;
    }
  }

  /** -1 for none. */
  rule(left: number, right: number): number {
    return (this.#rules[this.#place(left, right)] ?? 0) - 1;
  }

  result(rule: number): number {
    return this.#results[rule] ?? 0;
  }

  /** Where a pair is, or would be. */
  #place(left: number, right: number): number {
    let place = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    place = (place ^ (place >>> 15)) & this.#mask;
    while (this.#rules[place] !== 0 && (this.#left[place] !== left || this.#right[place] !== right)) place = (place + 1) & this.#mask;
    return place;
  }
}

function pairOf(merge: unknown): readonly [string, string] {
  if (typeof merge === "string") {
    const cut = merge.indexOf(" ");
    if (cut > 0 && merge.lastIndexOf(" ") === cut) return [merge.slice(0, cut), merge.slice(cut + 1)];
  } else if (Array.isArray(merge) && merge.length === 2) {
    const [left, right]: unknown[] = merge;
    if (typeof left === "string" && typeof right === "string") return [left, right];
  }
  throw new Error(`${JSON.stringify(merge)} is no merge`);
}
