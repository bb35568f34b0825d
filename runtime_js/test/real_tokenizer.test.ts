/** Published models' tokenizers, which tests/peer/test_real_tokenizers.py fetches: their tokens and texts are those of the tokenizers library. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { ChatTokenizer } from "../src/tokenizer/chat_tokenizer.ts";

const folder = process.env["REAL_TOKENIZERS"];

for (const file of folder === undefined ? [] : readdirSync(folder)) {
  test(`${file}: every text's tokens, and their text`, () => {
    const given = new Fields(JSON.parse(readFileSync(join(folder ?? "", file), "utf8")), "", Error);
    const tokenizer = new ChatTokenizer(JSON.parse(readFileSync(given.string("path", 4096), "utf8")), new Fields({}, "", Error));
    const wrong = given.objects("rows", 10_000, (row) => {
      const [text, ids] = [row.string("text", 1 << 20), row.integers("ids", 1 << 20, 0, 2 ** 31)];
      const detokenizer = tokenizer.detokenizer();
      const said = { ids: tokenizer.encode(text), whole: tokenizer.encodePart(text), decoded: ids.map((id) => detokenizer.push(id)).join("") };
      const isRight = [said.ids, said.whole].every((own) => own.join() === ids.join()) && said.decoded === row.string("decoded", 1 << 20);
      return isRight ? [] : [{ text, ...said, expected: { ids, decoded: row.string("decoded", 1 << 20) } }];
    }).flat();
    assert.deepEqual(wrong.slice(0, 3), []);
    given.objects("gaps", 10_000, (gap) => {
      const { tokens } = tokenizer.encodeInfill(gap.string("prefix", 1 << 20), gap.string("suffix", 1 << 20), Infinity);
      assert.deepEqual(tokens, gap.integers("ids", 1 << 20, 0, 2 ** 31), gap.string("prefix", 1 << 20));
    });
  });
}
