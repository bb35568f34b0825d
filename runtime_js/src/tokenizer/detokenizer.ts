/** Turns token ids into text one at a time, in constant time per token, and never gives out half a character. */

import type { AddedToken } from "./added_tokens.ts";
import type { Spelling } from "./spelling.ts";

export class Detokenizer {
  readonly #tokenOf: (id: number) => string | undefined;
  readonly #added: ReadonlyMap<number, AddedToken>;
  readonly #spelling: Spelling;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isFirst = true;
  #leadingSpaces: number;

  constructor(tokenOf: (id: number) => string | undefined, added: readonly AddedToken[], spelling: Spelling) {
    this.#tokenOf = tokenOf;
    this.#added = new Map(added.map((token) => [token.id, token]));
    this.#spelling = spelling;
    this.#leadingSpaces = spelling.leadingSpaces;
  }

  /** The text that is certain with this token: whole characters; bytes of an unfinished one wait for the next token. */
  push(id: number): string {
    const bytes = this.#bytes(id, this.#isFirst);
    if (bytes === undefined) return "";
    this.#isFirst = false;
    return this.#strip(this.#decoder.decode(bytes, { stream: true }));
  }

  /** A token's part of a text in UTF-8, behind another one; undefined for one that has none. */
  bytesOf(id: number): Uint8Array | undefined {
    return this.#bytes(id, false);
  }

  /** A token's text alone: of one that has none in a text, its name. */
  nameOf(id: number): string {
    const bytes = this.bytesOf(id);
    return bytes === undefined ? this.#added.get(id)?.content ?? "" : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  #bytes(id: number, isFirst: boolean): Uint8Array | undefined {
    const added = this.#added.get(id);
    const token = added?.isSpecial ? undefined : added?.content ?? this.#tokenOf(id);
    return token === undefined ? undefined : this.#spelling.bytesOf(token, isFirst, added !== undefined);
  }

  /** Drops the spaces that a SentencePiece decoder drops at the start of a text. */
  #strip(text: string): string {
    let spaces = 0;
    while (spaces < this.#leadingSpaces && text[spaces] === " ") spaces++;
    this.#leadingSpaces = spaces === text.length ? this.#leadingSpaces - spaces : 0;
    return text.slice(spaces);
  }
}
