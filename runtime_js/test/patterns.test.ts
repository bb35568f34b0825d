/** Expressions of a tokenizer that are found in another way than an engine's: they find what it would. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GroupsFromEnd } from "../src/tokenizer/parts/groups_from_end.ts";
import { expressionOf } from "../src/tokenizer/parts/patterns.ts";
import { splitBy } from "../src/tokenizer/parts/splits.ts";

/** The builder reads the same list (tests/null/test_tokenizer_check.py), and refuses what this cannot do. */
const golden: Readonly<Record<"known" | "unknown", readonly string[]>> = JSON.parse(readFileSync("test/golden/patterns.json", "utf8"));

test("what has no counterpart in JavaScript is an error, and all else none", () => {
  for (const pattern of golden.known) assert.doesNotThrow(() => expressionOf(pattern), pattern);
  for (const pattern of golden.unknown) assert.throws(() => expressionOf(pattern), Error, pattern);
});

// Oniguruma's → what JavaScript's engine runs as it is.
const GROUPS = {
  "\\d{1,3}(?=(?:\\d{3})*\\b)": "\\p{Nd}{1,3}(?=(?:\\p{Nd}{3})*(?![\\p{L}\\p{M}\\p{N}_]))",
  "[0-9]{1,2}(?=(?:[0-9]{2})*(?![0-9]))": "[0-9]{1,2}(?=(?:[0-9]{2})*(?![0-9]))",
  "(?=(\\d{3})+(?!\\d))": "(?=(\\p{Nd}{3})+(?!\\p{Nd}))",
  "(?=(?:[a-c]{4})+\\b)": undefined, // a run of these letters may have another behind it
};

for (const [pattern, plain] of Object.entries(GROUPS)) {
  test(`groups that are counted from the end of their run, as ${pattern}`, () => {
    const expression = expressionOf(pattern);
    assert.equal(expression instanceof GroupsFromEnd, plain !== undefined);
    if (plain === undefined) return;
    let seed = 7;
    for (let i = 0; i < 300; i++) {
      const text = Array.from({ length: i % 23 }, () => ["1", "2", "\u0663", "\u{1d7d8}", "x", " ", "_", "."][(seed = (seed * 48271) % 2147483647) % 8]).join("");
      assert.deepEqual(splitBy(text, expression, "Isolated"), splitBy(text, new RegExp(plain, "gv"), "Isolated"), JSON.stringify(text));
    }
    const long = "7".repeat(300_000); // each digit's look ahead would go to its end
    assert.equal(splitBy(`${long}.${long}`, expression, "Removed").join(""), pattern.startsWith("(?=") ? `${long}.${long}` : ".");
    assert.deepEqual(splitBy(`${long}x`, expression, "Isolated").length, pattern.includes("\\b") ? 1 : pattern.startsWith("(?=") ? 100_000 : 150_001);
  });
}
