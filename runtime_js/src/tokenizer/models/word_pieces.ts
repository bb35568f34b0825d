/** WordPiece: the longest token that a word begins with, then the longest that goes on with it. */

import type { Fields } from "../../support/fields.ts";
import type { Model } from "./model.ts";
import { readIds } from "./vocabulary.ts";

export class WordPieces implements Model {
  readonly ids: ReadonlyMap<string, number>;
  readonly #unknown: number | undefined;
  readonly #prefix: string;
  readonly #longestWord: number;
  /** Characters. */
  readonly #longestToken: number;

  constructor(model: Fields) {
    this.ids = readIds(model);
    const [unknown, prefix, longest] = [model.raw("unk_token"), model.raw("continuing_subword_prefix"), model.raw("max_input_chars_per_word")];
    this.#unknown = typeof unknown === "string" ? this.ids.get(unknown) : undefined;
    this.#prefix = typeof prefix === "string" ? prefix : "##";
    this.#longestWord = typeof longest === "number" ? longest : 100;
    this.#longestToken = [...this.ids.keys()].reduce((most, token) => Math.max(most, token.length), 0);
  }

  encode(piece: string, out: number[]): void {
    const characters = Array.from(piece);
    const pieces = characters.length > this.#longestWord ? undefined : this.#cut(characters);
    if (pieces !== undefined) out.push(...pieces);
    else if (this.#unknown !== undefined) out.push(this.#unknown);
  }

  #cut(characters: readonly string[]): number[] | undefined {
    const pieces: number[] = [];
    for (let start = 0; start < characters.length;) {
      let end = Math.min(characters.length, start + this.#longestToken);
      let token: number | undefined;
      for (; end > start; end--) {
        token = this.ids.get((start > 0 ? this.#prefix : "") + characters.slice(start, end).join(""));
        if (token !== undefined) break;
      }
      if (token === undefined) return undefined;
      pieces.push(token);
      start = end;
    }
    return pieces;
  }
}
