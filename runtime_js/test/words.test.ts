import assert from "node:assert/strict";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { readAddedTokens } from "../src/tokenizer/added_tokens.ts";
import { Encoder } from "../src/tokenizer/encoder.ts";
import { inWords } from "../src/tokenizer/words.ts";

/** A SentencePiece vocabulary as a GGUF's becomes one: letters, spaces, and merges of them. */
function sentencePiece(merged: readonly string[], model: Record<string, unknown> = {}): Record<string, unknown> {
  const tokens = ["<unk>", ..."\u2581abc\n", ...merged];
  const merges = merged.flatMap((token) => [...token].slice(1).map((_, i) => `${token.slice(0, i + 1)} ${token.slice(i + 1)}`))
    .filter((merge) => merge.split(" ").every((part) => tokens.includes(part)));
  return {
    added_tokens: [{ id: 0, content: "<unk>", special: true, normalized: false, single_word: false, lstrip: false, rstrip: false }],
    normalizer: { type: "Sequence", normalizers: [
      { type: "Prepend", prepend: "\u2581" }, { type: "Replace", pattern: { String: " " }, content: "\u2581" }] },
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "ByteFallback" },
    model: {
      type: "BPE", unk_token: "<unk>", fuse_unk: true, byte_fallback: false, ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, i) => [token, i])), merges, ...model,
    },
  };
}

const MERGED = ["\u2581\u2581", "ab", "\u2581a", "\u2581ab", "\u2581\u2581\u2581\u2581", "bc", "\u2581b", "\u2581bc", "aa", "\u2581\u2581a"];

test("text that is cut into words becomes the same tokens", () => {
  const plain = sentencePiece(MERGED);
  const cut = inWords(plain);
  assert.notEqual(cut, plain);
  const encoder = (json: Record<string, unknown>): Encoder => new Encoder(json, readAddedTokens(new Fields(json, "", Error)));
  // A pre-tokenizer that cuts nothing leaves the text whole.
  const [whole, words] = [encoder({ ...plain, pre_tokenizer: { type: "Sequence", pretokenizers: [] } }), encoder(cut)];
  let random = 7;
  for (let length = 0; length < 200; length++) {
    const letters = Array.from({ length }, () => {
      random = (random * 48271) % 2147483647;
      return "  abc\nd"[random % 7];
    });
    assert.deepEqual(words.encode(letters.join("")), whole.encode(letters.join("")), letters.join(""));
  }
});

test("text is not cut where a token reaches over words, or another way might be meant", () => {
  for (const other of [
    sentencePiece([...MERGED, "a\u2581"]),
    sentencePiece(MERGED, { ignore_merges: true }),
    { ...sentencePiece(MERGED), pre_tokenizer: { type: "ByteLevel" } },
    sentencePiece(MERGED, { type: "Unigram" }),
  ]) assert.equal(inWords(other), other);
});
