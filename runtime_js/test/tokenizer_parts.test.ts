import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Fields } from "../src/support/fields.ts";
import { readAddedTokens } from "../src/tokenizer/added_tokens.ts";
import { Detokenizer } from "../src/tokenizer/detokenizer.ts";
import { Encoder } from "../src/tokenizer/encoder.ts";
import { readSpelling } from "../src/tokenizer/spelling.ts";

// What each part of a tokenizer.json does, by the tokenizers library: see tests/golden/make_tokenizer_parts.py.
const GOLDEN = new Fields(JSON.parse(readFileSync("test/golden/tokenizer_parts.json", "utf8")), "", Error);
const CHARSMAP = "nmt_nfkc.charsmap.gz";
const TABLE = gunzipSync(readFileSync(`../tests/fixtures/sentencepiece/${CHARSMAP}`)).toString("base64");

const strings = (of: Fields, key: string): string[] => of.array(key, 1e6, String);
const digest = (ids: readonly number[]): string => createHash("sha256").update(ids.join(",")).digest("hex").slice(0, 12);

/** Encodes each byte of a piece, and a mark behind it. */
function showing(parts: Fields): Encoder {
  const vocab = Object.fromEntries(Array.from({ length: 256 }, (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, byte]));
  const model = { type: "BPE", unk_token: null, end_of_word_suffix: GOLDEN.string("mark", 1), byte_fallback: true, vocab, merges: [] };
  const document: Record<string, unknown> = JSON.parse(JSON.stringify(Object.fromEntries(parts.keys().map((key) => [key, parts.raw(key)]))).replaceAll(CHARSMAP, TABLE));
  return new Encoder({ ...document, model }, readAddedTokens(parts));
}

/** Texts of all characters in ranges: a thousand in each, with a letter behind each. */
function textsOf(key: string): string[] {
  const every = GOLDEN.array(key, 1e4, (range) => (Array.isArray(range) ? range.map(Number) : []))
    .flatMap(([first = 0, last = 0]) => Array.from({ length: last - first + 1 }, (_, i) => `${String.fromCodePoint(first + i)}a`));
  return Array.from({ length: Math.ceil(every.length / 1000) }, (_, i) => every.slice(1000 * i, 1000 * i + 1000).join(""));
}
const EVERY = { old: textsOf("old"), new: textsOf("new") };

for (const one of GOLDEN.objects("cases", 1000, (fields) => fields)) {
  const name = one.string("name", 1000);
  test(name, () => {
    const encoder = showing(one.object("parts"));
    const texts = name.startsWith("added") ? strings(GOLDEN, "added_texts") : name.startsWith("post") ? ["", "abc"] : strings(GOLDEN, "texts");
    const wrong = texts.filter((text, i) => digest(encoder.encodeWhole(text)) !== strings(one, "ids")[i]);
    assert.deepEqual(wrong, []);
    for (const [key, every] of Object.entries(EVERY)) {
      const expected = one.has(key) ? strings(one, key) : [];
      const blocks = every.filter((text, i) => i < expected.length && digest(encoder.encode(text)) !== expected[i]);
      assert.deepEqual(blocks.map((text) => text.codePointAt(0)?.toString(16)), []);
    }
  });
}

test("decoders, token by token", () => {
  const tokens = strings(GOLDEN, "tokens");
  const ending = { id: tokens.length, content: "<e>", isSpecial: true, isNormalized: false, stripsLeft: false, stripsRight: false, isWord: false };
  const rows = GOLDEN.array("decoded", 100, (row) => (Array.isArray(row) ? row.map(Number) : []));
  for (const one of GOLDEN.objects("decoders", 100, (fields) => fields)) {
    const texts = rows.map((ids) => {
      const detokenizer = new Detokenizer((id) => tokens[id], [ending], readSpelling(one));
      return ids.map((id) => detokenizer.push(id)).join("");
    });
    assert.deepEqual(texts, strings(one, "texts"), JSON.stringify(one.raw("decoder")));
  }
});
