import assert from "node:assert/strict";
import { test } from "node:test";
import { openFence, readBlocks, readableLength, takeApart } from "../src/view/markdown.ts";

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

test("of a long block that grows, what can change no more is taken apart: items, rows, sentences", () => {
  const rest = (text: string): { readonly begin: string; readonly rest: string } | undefined => {
    const [block] = readBlocks(text, {}) ?? [];
    const apart = block && takeApart(block);
    return apart && { begin: apart.begin.raw, rest: (apart.head ?? "") + text.slice(apart.begin.raw.length) };
  };
  const head = "| a | b |\n|---|--:|\n";
  const rows = Array.from({ length: 120 }, (_, i) => `| ${i} | some words |\n`);
  const items = Array.from({ length: 100 }, (_, i) => `${i + 3}. Some *words*\n     - and more of them\n`);
  const long = (parts: readonly string[]): number => parts.findIndex((_, count) => parts.slice(0, count).join("").length >= 1024);
  const [begun, begunRows] = [long(items), long(rows)];
  const first = { begin: items.slice(0, begun).join(""), rest: items.slice(begun, begun + 2).join("") };
  assert.deepEqual(rest(items.slice(0, begun + 2).join("")), first, "two items may still change");
  assert.equal(rest(items.join(""))?.begin, first.begin, "however much has come");
  assert.equal(rest(items.slice(0, begun + 1).join("")), undefined);
  assert.deepEqual(rest(head + rows.join("")), { begin: head + rows.slice(0, begunRows).join(""), rest: head + rows.slice(begunRows).join("") });
  const sentence = "This is a *sentence* of `some` words, as they are. ";
  const paragraph = rest(sentence.repeat(200));
  assert.ok(paragraph !== undefined && paragraph.rest.startsWith("This is") && paragraph.begin.length >= 4096 && paragraph.begin.length < 4200);
  for (const other of [items.slice(0, 20).join(""), head + rows.slice(0, 20).join(""), sentence.repeat(100), `> ${"a ".repeat(5000)}`, `**${"a ".repeat(4000)}a**`]) assert.equal(rest(other), undefined);
});

test("a fence opens when its line is whole, and says what ends it", () => {
  assert.equal(openFence("```py"), undefined);
  assert.equal(openFence("    indented\n"), undefined);
  const opened = openFence("  ~~~~ js title\nx\n~~~\n");
  assert.deepEqual([opened?.opening, opened?.info, opened?.indent], ["  ~~~~ js title\n", "js title", 2]);
  assert.deepEqual(["~~~", "~~~~", " ~~~~~ ", "~~~~ x", "````"].map((line) => opened?.end.test(line)), [false, true, true, false, false]);
});

test("footnotes are blocks and marks of their own, wherever they stand", () => {
  const kinds = (text: string): string[] => (readBlocks(text, {}) ?? []).filter(({ type }) => type !== "space").map(({ type }) => type);
  assert.deepEqual(kinds("A claim.[^1] More.\n\n[^1]: Where it *stands*,\n    and goes on.\n[^note]: https://example.org/\n\nEnd"), ["paragraph", "footnoteText", "footnoteText", "paragraph"]);
  assert.deepEqual(kinds("Text\n[^1]: note"), ["paragraph", "footnoteText"]);
  const [paragraph] = readBlocks("A claim.[^1] [a^2] `[^c]` [^ no]", {}) ?? [];
  assert.ok(paragraph !== undefined && "tokens" in paragraph);
  assert.deepEqual(paragraph.tokens?.map(({ type }) => type), ["text", "footnote", "text", "codespan", "text"]);
});
