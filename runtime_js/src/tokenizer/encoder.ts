/**
 * Text to the ids of its tokens. Normalizers and pre-tokenizers are @huggingface/tokenizers'; what takes the time of an encoding, the search for
 * added tokens and the models themselves, is here: in steps that grow about as a text does, whatever it is.
 */

import { SequenceNormalizer, SequencePostProcessor, SequencePreTokenizer } from "@huggingface/tokenizers";
import { Fields, isRecord } from "../support/fields.ts";
import { Splitter, type AddedToken } from "./added_tokens.ts";
import { bertNormalizer } from "./bert_normalizer.ts";
import { readModel, type Model } from "./models/model.ts";
import { inWords } from "./words.ts";

/** Stands for a text between special tokens. */
const TEXT = "\u{fdd1}";

/** The library's sequences make parts of every kind; what a part of tokenizer.json holds is for them to read. */
type Config<T extends abstract new (config: never) => unknown> = ConstructorParameters<T>[0];
const isNormalizer = (value: unknown): value is Config<typeof SequenceNormalizer> => isRecord(value);
const isPreTokenizer = (value: unknown): value is Config<typeof SequencePreTokenizer> => isRecord(value);
const isPostProcessor = (value: unknown): value is Config<typeof SequencePostProcessor> => isRecord(value);

function only<T>(name: string, value: unknown, is: (config: unknown) => config is T): T | undefined {
  const config: unknown = { type: "Sequence", [name]: [value] };
  return value !== null && value !== undefined && is(config) ? config : undefined;
}

export class Encoder {
  readonly #model: Model;
  readonly #normalize: (text: string) => string;
  readonly #cut: (text: string, isFirst: boolean) => readonly string[];
  readonly #first: Splitter;
  readonly #second: Splitter;
  /** Special tokens that the tokenizer itself puts around a text. */
  readonly #before: readonly number[];
  readonly #behind: readonly number[];
  readonly #tokens: string[] = [];

  /** Raises Error for a tokenizer.json that cannot be used. */
  constructor(tokenizerJson: Record<string, unknown>, added: readonly AddedToken[]) {
    const fields = new Fields(inWords(tokenizerJson), "tokenizer.json", (message) => new Error(message));
    const normalizer: unknown = fields.raw("normalizer") ?? null;
    const normals = only("normalizers", normalizer, isNormalizer);
    const cutters = only("pretokenizers", fields.raw("pre_tokenizer"), isPreTokenizer);
    const processors = only("processors", fields.raw("post_processor"), isPostProcessor);
    const normal = normals && new SequenceNormalizer(normals);
    const cutter = cutters && new SequencePreTokenizer(cutters);
    const processor = processors && new SequencePostProcessor(processors);
    this.#normalize = isRecord(normalizer) && normalizer["type"] === "BertNormalizer"
      ? bertNormalizer(fields.object("normalizer")) : (text) => normal?.normalize(text) ?? text;
    this.#cut = (text, isFirst) => cutter?.pre_tokenize(text, { section_index: isFirst ? 0 : 1 }) ?? [text];
    this.#model = readModel(fields.object("model"));
    this.#first = new Splitter(added.filter(({ isNormalized }) => !isNormalized));
    this.#second = new Splitter(added.filter(({ isNormalized }) => isNormalized), this.#normalize);
    for (const [token, id] of this.#model.ids) this.#tokens[id] = token;
    for (const { id, content } of added) this.#tokens[id] = content;
    const idOf = (content: string): number => added.find((token) => token.content === content)?.id ?? this.#model.ids.get(content) ?? -1;
    const around = processor?.post_process([TEXT], undefined, true).tokens ?? [TEXT];
    const at = around.indexOf(TEXT);
    [this.#before, this.#behind] = [around.slice(0, at).map(idOf), around.slice(at + 1).map(idOf)];
  }

  /** Of a text that is all of a prompt, with the special tokens that belong around it. */
  encodeWhole(text: string): number[] {
    return [...this.#before, ...this.encode(text), ...this.#behind];
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
    for (const part of this.#second.split(this.#normalize(text))) {
      if (typeof part !== "string") ids.push(part.id);
      else for (const piece of this.#cut(part, isFirst)) if (piece !== "") this.#model.encode(piece, ids);
    }
  }

  /** Undefined for an id without a token. */
  tokenOf(id: number): string | undefined {
    return this.#tokens[id];
  }
}
