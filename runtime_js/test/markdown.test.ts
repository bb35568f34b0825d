import assert from "node:assert/strict";
import { test } from "node:test";
import { Parser } from "marked";
import { readBlocks, readableLength, splitLists } from "../src/view/markdown.ts";

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
  const kinds = (text: string): string[] => {
    const [paragraph] = readBlocks(text, {}) ?? [];
    assert.ok(paragraph !== undefined && "tokens" in paragraph);
    return [...new Set(paragraph.tokens?.map(({ type }) => type))];
  };
  for (const text of ["_a_".repeat(20_000), "x".repeat(9000), "**_a".repeat(1000), "~~a [b](".repeat(1000)]) assert.deepEqual(kinds(text), ["text"]);
  assert.deepEqual(kinds("A *long* paragraph with `code`, as people write them. ".repeat(140)), ["text", "em", "codespan"]);
});

test("a long list is split before its last two items, into lists that go on with its numbers; others stay whole", () => {
  const items = (count: number): string => Array.from({ length: count }, (_, i) => `${i + 3}. Some *words*\n     - and more of them\n`).join("");
  const text = `Begin:\n\n${items(200)}\nand an end`;
  const blocks = readBlocks(text, {}) ?? [];
  const parts = splitLists(blocks);
  assert.equal(parts.map(({ raw }) => raw).join(""), text);
  assert.equal(parts.length, blocks.length + 2);
  const html = new Parser().parse(parts);
  assert.equal(html.replaceAll(/<[/]ol>\n<ol start="(201|202)">\n/g, ""), new Parser().parse(blocks));
  for (const other of [items(3), `> ${"a ".repeat(5000)}`, `- ${"a\n  - b\n".repeat(2000)}`]) {
    const whole = readBlocks(other, {}) ?? [];
    assert.deepEqual(splitLists(whole), whole);
  }
});
