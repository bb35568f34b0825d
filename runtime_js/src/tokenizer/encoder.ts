/**
 * Text to the ids of its tokens: a tokenizer.json's parts in order, as the tokenizers library in Rust has them, in steps that grow about as a
 * text does, whatever it is.
 */

import { Fields } from "../support/fields.ts";
import { Splitter, type AddedToken } from "./added_tokens.ts";
import type { Model } from "./models/model.ts";
import { readModel } from "./models/read_model.ts";
import { readNormalizer, type Normalize } from "./parts/normalizers.ts";
import { readPostProcessor, type Around } from "./parts/post_processors.ts";
import { readPreTokenizer, type Cut } from "./parts/pre_tokenizers.ts";
import { inWords } from "./words.ts";

export class Encoder {
  readonly #model: Model;
  readonly #normalize: Normalize;
  readonly #cut: Cut;
  readonly #first: Splitter;
  readonly #second: Splitter;
  /** Special tokens that the tokenizer itself puts around a text. */
  readonly #around: Around;
  readonly #tokens: string[] = [];

  /** Raises Error for a tokenizer.json that cannot be used. */
  constructor(tokenizerJson: Record<string, unknown>, added: readonly AddedToken[]) {
    const fields = new Fields(inWords(tokenizerJson), "tokenizer.json", (message) => new Error(message));
    const read = <T>(key: string, of: (config: Fields) => T, otherwise: T): T => (fields.has(key) ? of(fields.object(key)) : otherwise);
    this.#normalize = read("normalizer", readNormalizer, (text) => text);
    this.#cut = read("pre_tokenizer", readPreTokenizer, (text) => [text]);
    this.#around = read("post_processor", readPostProcessor, { before: [], behind: [] });
    this.#model = readModel(fields.object("model"));
    this.#first = new Splitter(added.filter(({ isNormalized }) => !isNormalized));
    this.#second = new Splitter(added.filter(({ isNormalized }) => isNormalized), this.#normalize);
    for (const [token, id] of this.#model.ids) this.#tokens[id] = token;
    for (const { id, content } of added) this.#tokens[id] = content;
  }

  /** Of a text that is all of a prompt, with the special tokens that belong around it. */
  encodeWhole(text: string): number[] {
    return this.framed(this.encode(text));
  }

  /** Tokens that are all of a prompt, with the special ones that belong around them. */
  framed(tokens: readonly number[]): number[] {
    return [...this.#around.before, ...tokens, ...this.#around.behind];
  }

  /** `isFirst`: nothing stands in front of the text. */
  encode(text: string, isFirst = true): number[] {
    const ids: number[] = [];
    let isStart = isFirst;
    for (const part of this.#first.split(text)) {
      if (typeof part === "string") this.#encodePart(part, isStart, ids);
      else ids.push(part.id);
      isStart = false;
    }
    return ids;
  }

  #encodePart(text: string, isFirst: boolean, ids: number[]): void {
    let isStart = isFirst;
    for (const part of this.#second.split(this.#normalize(text))) {
      if (typeof part !== "string") ids.push(part.id);
      else for (const piece of this.#cut(part, isStart)) if (piece !== "") this.#model.encode(piece, ids);
      isStart = false;
    }
  }

  /** Undefined for an id without a token. */
  tokenOf(id: number): string | undefined {
    return this.#tokens[id];
  }
}
