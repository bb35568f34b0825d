import assert from "node:assert/strict";
import { test } from "node:test";
import type { Token, Tokens } from "marked";
import type { Further, Path } from "../src/view/long_list.ts";
import { openFence, readBlocks, readableLength, takeApart, type Begun } from "../src/view/blocks.ts";

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
    return apart && { begin: apart.begin.raw, rest: (apart.further?.head ?? "") + text.slice(apart.begin.raw.length) };
  };
  const head = "| a | b |\n|---|--:|\n";
  const rows = Array.from({ length: 120 }, (_, i) => `| ${i} | some words |\n`);
  const items = Array.from({ length: 100 }, (_, i) => `${i + 3}. Some *words*\n     - and more of them\n`);
  const long = (parts: readonly string[], least: number): number => parts.findIndex((_, count) => parts.slice(0, count).join("").length >= least);
  const [begun, begunRows] = [long(items, 512), long(rows, 1024)];
  const first = { begin: items.slice(0, begun).join(""), rest: items.slice(begun, begun + 2).join("") };
  assert.deepEqual(rest(items.slice(0, begun + 2).join("")), first, "the last one may still change");
  assert.equal(rest(items.join(""))?.begin, first.begin, "however much has come");
  assert.equal(rest(items.slice(0, begun + 1).join("").trimEnd().replace(/\n.*$/, "\n")), undefined);
  assert.deepEqual(rest(head + rows.join("")), { begin: head + rows.slice(0, begunRows).join(""), rest: head + rows.slice(begunRows).join("") });
  const sentence = "This is a *sentence* of `some` words, as they are. ";
  const paragraph = rest(sentence.repeat(200));
  assert.ok(paragraph !== undefined && paragraph.rest.startsWith("This is") && paragraph.begin.length >= 4096 && paragraph.begin.length < 4200);
  for (const other of [items.slice(0, 12).join(""), head + rows.slice(0, 20).join(""), sentence.repeat(100), `> ${"a ".repeat(5000)}`, `**${"a ".repeat(4000)}a**`]) assert.equal(rest(other), undefined);
});

/** Nested lists of all kinds, within one item, in quotes too. */
const TREES: Readonly<Record<string, (line: number) => string>> = {
  bullets: (i) => (i === 0 ? "- one\n" : `${"  ".repeat(1 + (i % 5))}- item ${i} of *some* words\n`),
  numbers: (i) => (i === 0 ? "7. one\n" : `${"   ".repeat(1 + (i % 3))}${i % 3 === 0 ? "1." : "-"} item ${i}\n${i % 7 === 0 ? "\n" : ""}`),
  "two on a line": (i) => (i === 0 ? "- - one\n" : `${i % 9 === 0 ? "  - - " : "    - "}[ ] item ${i} of words\n`),
  tabs: (i) => (i === 0 ? "-\tone\n" : `${"\t".repeat(1 + (i % 3))}-\titem ${i} of words\n`),
  paragraphs: (i) => (i === 0 ? "1. one\n\n" : `   - item ${i}\n\n     with more of it\n\n`),
  "the last of a list": (i) => (i === 0 ? "- one\n" : i % 9 === 0 ? `  - ${i} ${"some words ".repeat(50)}\n    - deep ${i}\n\n  ${"more words ".repeat(40)}\n\n` : ""),
  "a quote": (i) => `> ${i === 0 ? "" : "  ".repeat(i % 4)}- item ${i} of words\n`,
  "in an item a quote": (i) => (i === 0 ? "- one\n" : `  > ${"   ".repeat(i % 2)}${i}. item ${i} of words\n`),
};

test("a list within an item or a quote is cut wherever an item begins, at the same places however it came", () => {
  interface Item { readonly depth: number; readonly number: number; readonly text: string }
  const itemsOf = (blocks: readonly Token[], path: Path = [], depth = 0): Item[] => blocks.flatMap((block, at) => {
    if (blocks.slice(0, at).some(({ type }) => type === "list" || type === "blockquote")) path = [];
    if (block.type === "blockquote") return itemsOf(block.tokens ?? [], path.slice(1), depth + 1);
    if (block.type !== "list") return [];
    const { items, start } = block as Tokens.List;
    const first = path[0] ?? Number(start);
    return items.flatMap(({ tokens }, index) => {
      const inner = itemsOf(tokens, index === 0 ? path.slice(2) : [], depth + 1);
      const text = tokens.find(({ type }) => type === "text" || type === "paragraph")?.raw.trim() ?? "";
      return index === 0 && path.length > 1 ? inner : [{ depth, number: first + index, text }, ...inner];
    });
  });
  for (const [name, line] of Object.entries(TREES)) {
    const text = Array.from({ length: 300 }, (_, i) => line(i)).join("").trimEnd();
    let [at, parts] = [0, 0];
    let further: Further = { head: "", path: [] };
    const items: Item[] = [];
    for (;;) {
      const begins = (end: number): Begun | undefined => {
        const [block] = readBlocks(further.head + text.slice(at, end), {}) ?? [];
        return block && takeApart(block, further);
      };
      const begun = begins(text.length);
      for (let end = at + 500; end < at + 1500; end += 29) {
        const early = begins(end);
        if (early !== undefined) assert.deepEqual([early.begin.raw, early.further], [begun?.begin.raw, begun?.further], `${name} at ${end}`);
      }
      const blocks = begun === undefined ? readBlocks(further.head + text.slice(at), {}) ?? [] : [begun.begin];
      assert.equal(blocks.length, 1, name);
      items.push(...itemsOf(blocks, further.path));
      if (begun?.further === undefined) break;
      at += begun.begin.raw.length - further.head.length;
      assert.ok(text.slice(at - 1).startsWith("\n"));
      further = begun.further;
      parts++;
    }
    assert.ok(parts > 2, name);
    assert.deepEqual(items, itemsOf(readBlocks(text, {}) ?? []), name);
  }
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
