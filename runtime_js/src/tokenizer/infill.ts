/** How models that fill in are asked: what is before and behind the gap, between marks that are tokens of their own. */

import type { AddedToken } from "./added_tokens.ts";

/** The marks of a family, which stand before the prefix, before the suffix, and before what fills the gap; the last may be missing. */
interface InfillFormat {
  readonly prefix: string;
  readonly suffix: string;
  readonly middle: string;
  readonly isSuffixFirst?: true;
  /** A vocabulary that puts a space before a text puts none before the suffix. */
  readonly joinsSuffix?: true;
}

const FORMATS: readonly InfillFormat[] = [
  { prefix: "<|fim_prefix|>", suffix: "<|fim_suffix|>", middle: "<|fim_middle|>" }, // Qwen Coder, CodeGemma, Granite 4, Yi Coder
  { prefix: "<fim_prefix>", suffix: "<fim_suffix>", middle: "<fim_middle>" }, // StarCoder, Granite Code, Refact
  { prefix: "<fim-prefix>", suffix: "<fim-suffix>", middle: "<fim-middle>" }, // SantaCoder
  { prefix: "<｜fim▁begin｜>", suffix: "<｜fim▁hole｜>", middle: "<｜fim▁end｜>" }, // DeepSeek Coder
  { prefix: "▁<PRE>", suffix: "▁<SUF>", middle: "▁<MID>", joinsSuffix: true }, // Code Llama
  { prefix: "<|code_prefix|>", suffix: "<|code_suffix|>", middle: "<|code_middle|>" }, // GLM
  { prefix: "<[fim-prefix]>", suffix: "<[fim-suffix]>", middle: "<[fim-middle]>", isSuffixFirst: true }, // Seed Coder
  { prefix: "[PREFIX]", suffix: "[SUFFIX]", middle: "", isSuffixFirst: true }, // Codestral
];

/** What models write behind the last line of what they fill in, beside marks and the end of a text: files and repositories were joined by these. */
const ENDS: ReadonlySet<string> = new Set([
  "<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<|repo_name|>", "<repo_name>", "<reponame>", "<|file_sep|>", "<file_sep>", "<filename>", "<|file_separator|>",
  "▁<EOT>", "<EOT>", "<|EOT|>", "<|endoftext|>",
]);

/** A character that merges with none. */
const APART = "☺";

/** How a model is asked for what is between two texts. */
export class Infill {
  readonly #format: InfillFormat;
  readonly marks: readonly string[];
  /** Tokens that end what fills a gap. */
  readonly ends: readonly number[];

  private constructor(format: InfillFormat, added: readonly AddedToken[]) {
    this.#format = format;
    this.marks = marksOf(format);
    this.ends = added.filter(({ content }) => this.marks.includes(content) || ENDS.has(content)).map(({ id }) => id);
  }

  /** That of a vocabulary; undefined where it has no marks. */
  static of(added: readonly AddedToken[]): Infill | undefined {
    const known = new Set(added.map(({ content }) => content));
    const format = FORMATS.find((one) => marksOf(one).every((mark) => known.has(mark)));
    return format && new Infill(format, added);
  }

  /**
   * Token ids of a prompt. Of more than `most` there remain what is next to the gap: of the suffix a quarter of the room, or what the prefix leaves.
   * `encode` is asked for texts that begin with a mark, and for texts alone.
   */
  tokens(prefix: string, suffix: string, most: number, encode: (text: string) => readonly number[]): number[] {
    const { prefix: before, suffix: behind, middle, isSuffixFirst = false, joinsSuffix = false } = this.#format;
    const [prefixMark = 0, ...prefixIds] = encode(before + prefix);
    const [suffixMark = 0, ...spaced] = encode(behind + suffix);
    const suffixIds = joinsSuffix ? encode(APART + suffix).slice(encode(APART).length) : spaced;
    const room = Math.max(0, most - this.marks.length);
    const ofSuffix = Math.min(suffixIds.length, Math.max(room >> 2, room - prefixIds.length));
    const ofPrefix = Math.min(prefixIds.length, room - ofSuffix);
    const first = [prefixMark, ...prefixIds.slice(prefixIds.length - ofPrefix)];
    const last = [suffixMark, ...suffixIds.slice(0, ofSuffix)];
    return [...(isSuffixFirst ? [...last, ...first] : [...first, ...last]), ...encode(middle)];
  }
}

function marksOf({ prefix, suffix, middle }: InfillFormat): string[] {
  return [prefix, suffix, middle].filter((mark) => mark !== "");
}
