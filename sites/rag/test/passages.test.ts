import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_TOKENS, OVERLAP_TOKENS, splitIntoPassages, type Passage, type Section } from "../src/passages.ts";

const words = (text: string): number => text.split(/\s+/).filter((word) => word !== "").length;
const count = async (texts: readonly string[]): Promise<number[]> => texts.map(words);

async function split(text: string, sections: readonly Section[] = []): Promise<{ passages: Passage[]; texts: string[] }> {
  const passages = await splitIntoPassages(text, sections, count);
  return { passages, texts: passages.map(({ start, end }) => text.slice(start, end)) };
}

function sentence(i: number, length = 10): string {
  return `Sentence ${i} ${"word ".repeat(length - 3)}end.`;
}

test("a short text is one passage, without the blanks around it", async () => {
  const { texts } = await split("\n\n  One thing. Another thing.  \n\n");
  assert.deepEqual(texts, ["One thing. Another thing."]);
});

test("nothing gives no passage", async () => {
  assert.deepEqual((await split(" \n\n \t ")).passages, []);
});

test("passages are no longer than they may be, overlap by whole sentences, and leave nothing out", async () => {
  const text = Array.from({ length: 60 }, (_, i) => sentence(i)).join(" ");
  const { passages, texts } = await split(text);
  assert.ok(passages.length > 4);
  for (const [i, passage] of texts.entries()) {
    assert.ok(words(passage) <= MAX_TOKENS);
    assert.match(passage, /^Sentence \d+ .*end\.$/s);
    const next = passages[i + 1];
    if (next === undefined) continue;
    const shared = words(text.slice(next.start, passages[i]?.end));
    assert.ok(shared > 0 && shared <= OVERLAP_TOKENS, `${shared} words overlap`);
  }
  for (let i = 0; i < 60; i++) assert.ok(texts.some((passage) => passage.includes(sentence(i))));
});

test("a passage ends with a paragraph where one ends in its second half", async () => {
  const paragraphs = [0, 10, 20].map((first) => Array.from({ length: 9 }, (_, i) => sentence(first + i)).join(" "));
  const { texts } = await split(paragraphs.join("\n\n"));
  assert.equal(texts[0], paragraphs[0]);
});

test("what stands under another heading is another passage, without overlap", async () => {
  const text = "# One\nAbout cats.\n# Two\nAbout dogs.";
  const sections = [{ start: 0, page: null, heading: "One" }, { start: text.indexOf("# Two"), page: null, heading: "Two" }];
  const { passages, texts } = await split(text, sections);
  assert.deepEqual(texts, ["# One\nAbout cats.", "# Two\nAbout dogs."]);
  assert.deepEqual(passages.map(({ heading }) => heading), ["One", "Two"]);
});

test("a page that ends within a sentence goes on with the next, and its passage names the page where it begins", async () => {
  const [first, second] = ["The ship sails at\n", "nine. Then it is gone.\n"];
  const pages = (start: number): Section[] => [{ start: 0, page: 1, heading: null }, { start, page: 2, heading: null }];
  const within = await split(first + second, pages(first.length));
  assert.deepEqual(within.passages.map(({ page }) => page), [1]);
  const whole = await split(`It sails.\n${second}`, pages("It sails.\n".length));
  assert.deepEqual(whole.passages.map(({ page }) => page), [1, 2]);
});

test("lines that go on in small letters are one sentence, items of a list are not", async () => {
  const text = `${"A line\nthat goes on ".repeat(30)}.\n- item one\n- item two`;
  const { texts } = await split(text);
  assert.ok(texts.every((passage) => words(passage) <= MAX_TOKENS));
  assert.ok(texts.at(-1)?.endsWith("- item one\n- item two"));
});

test("a sentence that is too long is cut between words, and one without blanks anywhere but within a character", async () => {
  const long = await split("word ".repeat(1000));
  assert.ok(long.texts.every((passage) => words(passage) <= MAX_TOKENS && /^word( word)*$/.test(passage)));
  const emoji = "😀".repeat(5000);
  const passages = await splitIntoPassages(emoji, [], async (texts) => texts.map((text) => text.length));
  const texts = passages.map(({ start, end }) => emoji.slice(start, end));
  assert.ok(texts.every((text) => text.isWellFormed() && text.length <= MAX_TOKENS));
  assert.equal(passages.at(-1)?.end, emoji.length);
});

test("a hostile text without an end of a sentence takes steps in proportion to its length", async () => {
  let counted = 0;
  await splitIntoPassages("x".repeat(1_000_000), [], async (texts) => texts.map((text) => {
    counted += text.length;
    return 1;
  }));
  assert.ok(counted <= 1_000_000);
});

test("splitting can be stopped", async () => {
  await assert.rejects(splitIntoPassages("One. Two.", [], count, AbortSignal.abort()), { name: "AbortError" });
});
