/** Models of tokenizers, against the plainest way to compute what they should. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { readAddedTokens } from "../src/tokenizer/added_tokens.ts";
import { Encoder } from "../src/tokenizer/encoder.ts";
import { readModel } from "../src/tokenizer/models/read_model.ts";
import { PairTable } from "../src/tokenizer/models/pair_table.ts";
import { randomFrom } from "./fakes/random.ts";

const fields = (value: unknown): Fields => new Fields(value, "", (message) => new Error(message));

function ids(model: Record<string, unknown>, piece: string): number[] {
  const out: number[] = [];
  readModel(fields(model)).encode(piece, out);
  return out;
}

const MERGES = ["a b", "b a", "a a", "aa a", "aa aa", "ab ab", "abab ab", "c c", "b c", "ab c", "cc cc", "aaaa a"];
const TOKENS = [..."abc", ...MERGES.map((merge) => merge.replace(" ", ""))];
const BPE = { type: "BPE", vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])), merges: MERGES };

/** Joins the pair of the best rule, of equal ones the leftmost, until there is none. */
function plainly(text: string): number[] {
  const parts = [...text];
  for (;;) {
    const rules = parts.slice(1).map((part, i) => MERGES.indexOf(`${parts[i]} ${part}`)).map((rule) => (rule < 0 ? Infinity : rule));
    const best = Math.min(...rules);
    if (!Number.isFinite(best)) return parts.map((part) => TOKENS.indexOf(part));
    const at = rules.indexOf(best);
    parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
  }
}

test("byte pairs are joined in the order of their rules", () => {
  const random = randomFrom(5);
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 1 + round % 40 }, () => "aabbc"[Math.floor(random() * 5)]).join("");
    assert.deepEqual(ids(BPE, text), plainly(text), text);
  }
});

test("the work of joining grows as the text does, whatever it is", (context) => {
  const model = readModel(fields(BPE));
  const rule = context.mock.method(PairTable.prototype, "rule");
  for (const text of ["a", "ab", "abc", "aab", "cccb"]) {
    const long = text.repeat(20_000 / text.length);
    rule.mock.resetCalls();
    model.encode(long, []);
    assert.ok(rule.mock.callCount() <= 3 * long.length, `${text}: ${rule.mock.callCount()}`);
  }
});

test("what has no token is bytes, or unknown, or nothing", () => {
  const bytes = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`, 100 + i]));
  const vocab = { a: 0, "<unk>": 1 };
  assert.deepEqual(ids({ type: "BPE", vocab: { ...vocab, ...bytes }, merges: [], byte_fallback: true, unk_token: "<unk>" }, "aé"), [0, 100 + 0xc3, 100 + 0xa9]);
  assert.deepEqual(ids({ type: "BPE", vocab, merges: [], byte_fallback: true, unk_token: "<unk>", fuse_unk: true }, "xxaxx"), [1, 0, 1]);
  // Gemma's has not all bytes: those of line ends are tokens by themselves.
  const { "<0x0A>": _, ...most } = bytes;
  assert.deepEqual(ids({ type: "BPE", vocab: { ...vocab, ...most }, merges: [], byte_fallback: true, unk_token: "<unk>" }, "é\n"), [100 + 0xc3, 100 + 0xa9, 1]);
  assert.deepEqual(ids({ type: "BPE", vocab, merges: [], unk_token: "<unk>" }, "xxa"), [1, 1, 0]);
  assert.deepEqual(ids({ type: "BPE", vocab, merges: [] }, "xa"), [0]);
  assert.throws(() => ids({ type: "BPE", vocab, merges: ["a b"] }, ""), /does not fit/);
  assert.throws(() => ids({ type: "BPE", vocab, merges: ["a b c"] }, ""), /no merge/);
  assert.deepEqual(ids({ type: "BPE", vocab: { ...vocab, xa: 2 }, merges: [], ignore_merges: true }, "xa"), [2]);
});

test("unigram takes the likeliest cut of all", () => {
  const vocab = [["<unk>", 0], ["a", -3], ["b", -3], ["ab", -4], ["abab", -9], ["ba", -4.5], ["😀", -2]];
  const model = { type: "Unigram", vocab, unk_id: 0 };
  assert.deepEqual(ids(model, "abab"), [3, 3]);
  assert.deepEqual(ids(model, "aba"), [3, 1]);
  assert.deepEqual(ids(model, "a??b😀"), [1, 0, 2, 6]);
  assert.deepEqual(ids(model, ""), []);
});

test("word pieces are the longest that fit", () => {
  const model = { type: "WordPiece", unk_token: "?", vocab: { "?": 0, un: 1, "##aff": 2, "##able": 3, "##a": 4, u: 5 }, max_input_chars_per_word: 8 };
  assert.deepEqual(ids(model, "unaffable"), [0]);
  assert.deepEqual(ids(model, "unaffa"), [1, 2, 4]);
  assert.deepEqual(ids(model, "unx"), [0]);
});

test("added tokens take spaces, stand alone where they must, and the longest counts", () => {
  const token = (id: number, content: string, flags = {}): object => ({ id, content, special: true, normalized: false, lstrip: false, rstrip: false, single_word: false, ...flags });
  const json = {
    added_tokens: [token(10, "<m>"), token(11, "<m><m>"), token(12, "<l>", { lstrip: true }), token(13, "<r>", { rstrip: true }), token(14, "W", { single_word: true }),
      token(15, "N N", { normalized: true })],
    normalizer: { type: "Replace", pattern: { String: " " }, content: "_" }, pre_tokenizer: null, post_processor: null, decoder: null,
    model: { type: "BPE", vocab: { a: 0, _: 1, W: 2 }, merges: [] },
  };
  const encoder = new Encoder(json, readAddedTokens(fields(json)));
  assert.deepEqual(encoder.encode("a<m><m><m>a"), [0, 11, 10, 0]);
  assert.deepEqual(encoder.encode("a  <l> a<r>  a"), [0, 12, 1, 0, 13, 0]);
  assert.deepEqual(encoder.encode("aW W Wa"), [0, 2, 1, 14, 1, 2, 0]);
  assert.deepEqual(encoder.encode("aN Na"), [0, 15, 0]);
});

test("BERT's letters lose case and accents one by one", () => {
  const json = {
    added_tokens: [], normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" }, post_processor: null, decoder: null,
    model: { type: "WordPiece", unk_token: "?", vocab: { "?": 0, "οσ": 1, "𠀀": 2, "e": 3, "##x": 4 } },
  };
  const encoder = new Encoder(json, []);
  assert.deepEqual(encoder.encode("ΌΣ 𠀀É𠀀 \u0000e\u200dX"), [1, 2, 3, 2, 3, 4]);
});
