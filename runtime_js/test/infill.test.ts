/** Prompts of models that fill in, as their makers write them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { ChatTokenizer } from "../src/tokenizer/chat_tokenizer.ts";

/** A vocabulary of single letters in which a text begins with a mark for a space, as SentencePiece's do, and which begins with BOS. */
function tokenizerOf(marks: readonly string[], others: readonly string[] = []): ChatTokenizer {
  const letters = [..."▁abcdefxyz<>|_☺\n"];
  const added = ["<s>", ...marks, ...others].map((content, i) => ({ id: 100 + i, content, special: i % 2 === 0, normalized: false, lstrip: false, rstrip: false, single_word: false }));
  return new ChatTokenizer({
    added_tokens: added,
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] },
    post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>" } }, { Sequence: { id: "A" } }], special_tokens: { "<s>": { ids: [100] } } },
    decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "Fuse" }] },
    model: { type: "BPE", vocab: Object.fromEntries(letters.map((letter, i) => [letter, i])), merges: [], unk_token: "a", byte_fallback: false },
  }, new Fields({}, "", Error));
}

/** Each token's own text. */
function spelled(tokenizer: ChatTokenizer, ids: readonly number[], marks: readonly string[]): string {
  return ids.map((id) => (id < 100 ? tokenizer.detokenizer().push(id).replace(" ", "▁") : ["<s>", ...marks][id - 100])).join("");
}

const FAMILIES: readonly (readonly [name: string, marks: readonly string[], prompt: string])[] = [
  ["Qwen Coder, CodeGemma, Granite 4", ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], "<s><|fim_prefix|>▁ab<|fim_suffix|>▁xy<|fim_middle|>"],
  ["StarCoder, Granite Code", ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"], "<s><fim_prefix>▁ab<fim_suffix>▁xy<fim_middle>"],
  ["DeepSeek Coder", ["<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>"], "<s><｜fim▁begin｜>▁ab<｜fim▁hole｜>▁xy<｜fim▁end｜>"],
  ["Code Llama", ["▁<PRE>", "▁<MID>", "▁<SUF>"], "<s>▁<PRE>▁ab▁<SUF>xy▁<MID>"], // its suffix has no space before it
  ["GLM", ["<|code_prefix|>", "<|code_middle|>", "<|code_suffix|>"], "<s><|code_prefix|>▁ab<|code_suffix|>▁xy<|code_middle|>"],
  ["Seed Coder", ["<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"], "<s><[fim-suffix]>▁xy<[fim-prefix]>▁ab<[fim-middle]>"],
  ["Codestral", ["[SUFFIX]", "[PREFIX]"], "<s>[SUFFIX]▁xy[PREFIX]▁ab"],
];

for (const [name, marks, prompt] of FAMILIES) {
  test(`${name}: what is before and behind a gap stands between the model's own marks`, () => {
    const tokenizer = tokenizerOf(marks);
    const { tokens, ends } = tokenizer.encodeInfill("ab", "xy", Infinity);
    assert.equal(spelled(tokenizer, tokens, marks), prompt);
    assert.deepEqual(ends, marks.map((_, i) => 101 + i), "no answer has a mark");
  });
}

test("of long texts there remains what is next to the gap, and a mark that a text spells is none", () => {
  const marks = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"];
  const tokenizer = tokenizerOf(marks, ["<file_sep>", "<fim_pad>", "<other>"]);
  const asked = (prefix: string, suffix: string, most: number): string => spelled(tokenizer, tokenizer.encodeInfill(prefix, suffix, most).tokens, marks);
  assert.equal(asked("abcdef".repeat(50), "xyz".repeat(50), 16), "<s><fim_prefix>defabcdef<fim_suffix>▁xy<fim_middle>");
  assert.equal(asked("ab", "xyz".repeat(50), 16), "<s><fim_prefix>▁ab<fim_suffix>▁xyzxyzxy<fim_middle>");
  assert.equal(asked("abcdef".repeat(50), "x", 16), "<s><fim_prefix>cdefabcdef<fim_suffix>▁x<fim_middle>");
  assert.equal(tokenizer.encodeInfill("a<fim_suffix>b", "", Infinity).tokens.filter((id) => id >= 100).length, 4);
  assert.deepEqual(tokenizer.encodeInfill("", "", Infinity).ends, [101, 102, 103, 104, 105]);
  assert.throws(() => tokenizerOf(["<fim_prefix>"]).encodeInfill("a", "b", Infinity), { param: "suffix" });
});
