import assert from "node:assert/strict";
import { test } from "node:test";
import { readBlocks, readableLength } from "../src/app/markdown.ts";

test("a text is readable up to a line that is nested too deep", () => {
  assert.equal(readableLength("> a\n- b\n"), 8);
  assert.equal(readableLength(`Good.\n\n${"> ".repeat(2000)}`), 7);
  assert.equal(readableLength("1. ".repeat(2000)), 0);
  assert.equal(readableLength("- > 1. ".repeat(100)), 0);
  const levels = Array.from({ length: 400 }, (_, depth) => `${"  ".repeat(depth)}- a\n`).join("");
  assert.equal(readableLength(levels), levels.indexOf(`${" ".repeat(200)}-`));
  const tree = "* ".repeat(50);
  assert.equal(readableLength(tree), tree.length);
});

test("blocks hold the whole text, so that those before the last can be left alone", () => {
  const text = "# Title\n\npara\n\n- a\n\n- b\n\n```\ncode\n\nmore\n```\n\n| a |\n|---|\n| 1 |\n\nend";
  const blocks = readBlocks(text, {});
  assert.equal(blocks?.map(({ raw }) => raw).join(""), text);
});

test("a long run of marks is not searched for emphasis", () => {
  const text = "_a_".repeat(20_000);
  const [paragraph] = readBlocks(text, {}) ?? [];
  assert.ok(paragraph !== undefined && "tokens" in paragraph);
  assert.deepEqual(paragraph.tokens?.map(({ type }) => type), ["text"]);
});
