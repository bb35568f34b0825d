/** WordPiece: the longest token that a word begins with, then the longest that goes on with it. */

import type { Fields } from "../../support/fields.ts";
import type { Model } from "./model.ts";
import { Trie } from "./trie.ts";
import { readIds } from "./vocabulary.ts";

export class WordPieces implements Model {
  readonly ids: ReadonlyMap<string, number>;
  readonly #unknown: number | undefined;
  readonly #longestWord: number;
  readonly #first = new Trie();
  /** Tokens that go on with a word, without their prefix. */
  readonly #others = new Trie();

  constructor(model: Fields) {
    this.ids = readIds(model);
    const [unknown, prefix, longest] = [model.raw("unk_token"), model.raw("continuing_subword_prefix"), model.raw("max_input_chars_per_word")];
    this.#unknown = typeof unknown === "string" ? this.ids.get(unknown) : undefined;
    const mark = typeof prefix === "string" ? prefix : "##";
    this.#longestWord = typeof longest === "number" ? longest : 100;
    for (const [token, id] of this.ids) {
      if (token !== "") this.#first.add(token, id);
      if (token.startsWith(mark) && token !== mark) this.#others.add(token.slice(mark.length), id);
    }
  }

  encode(piece: string, out: number[]): void {
    const isLong = piece.length > this.#longestWord && Array.from(piece).length > this.#longestWord;
    const pieces = isLong ? undefined : this.#cut(piece);
    if (pieces !== undefined) for (const token of pieces) out.push(token);
    else if (this.#unknown !== undefined) out.push(this.#unknown);
  }

  #cut(word: string): number[] | undefined {
    const pieces: number[] = [];
    for (let start = 0; start < word.length;) {
      let node: Trie | undefined = start > 0 ? this.#others : this.#first;
      let [token, after] = [-1, start];
      for (let end = start; end < word.length; end++) {
        node = node.below.get(word.charCodeAt(end));
        if (node === undefined) break;
        if (node.token >= 0) [token, after] = [node.token, end + 1];
      }
      if (token < 0) return undefined;
      pieces.push(token);
      start = after;
    }
    return pieces;
  }
}
