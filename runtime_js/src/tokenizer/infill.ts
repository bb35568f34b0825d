/** How models that fill in are asked: what is before and behind the gap, between marks that are tokens of their own. */

import type { AddedToken } from "./added_tokens.ts";

interface Parts {
  readonly prefix: string;
  readonly suffix: string;
}

/** The marks of a family, and how a prompt is put together of them. */
interface InfillFormat {
  readonly marks: readonly string[];
  readonly write: (parts: Parts, marks: readonly string[]) => string;
}

const prefixFirst = ({ prefix, suffix }: Parts, [before, behind, here]: readonly string[]): string => `${before}${prefix}${behind}${suffix}${here}`;
const suffixFirst = ({ prefix, suffix }: Parts, [behind, before]: readonly string[]): string => `${behind}${suffix}${before}${prefix}`;

const FORMATS: readonly InfillFormat[] = [
  { marks: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], write: prefixFirst }, // Qwen Coder, CodeGemma
  { marks: ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"], write: prefixFirst }, // StarCoder, Granite Code
  { marks: ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"], write: prefixFirst }, // SantaCoder
  { marks: ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"], write: prefixFirst }, // DeepSeek Coder
  { marks: ["▁<PRE>", "▁<SUF>", "▁<MID>"], write: prefixFirst }, // Code Llama
  { marks: ["[SUFFIX]", "[PREFIX]"], write: suffixFirst }, // Codestral
];

/** The prompt that asks for what is between two texts; undefined where the model has no marks for it. */
export function infillPrompt(added: readonly AddedToken[], parts: Parts): string | undefined {
  const known = new Set(added.map(({ content }) => content));
  const format = FORMATS.find(({ marks }) => marks.every((mark) => known.has(mark)));
  return format?.write(parts, format.marks);
}
