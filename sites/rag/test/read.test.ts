import assert from "node:assert/strict";
import { test } from "node:test";
import { readDocument } from "../src/read/document.ts";
import { pageText, type Run } from "../src/read/page_text.ts";
import { headings, readText } from "../src/read/text.ts";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const read = (name: string, data: Uint8Array<ArrayBuffer>): ReturnType<typeof readDocument> => readDocument(name, data, () => undefined, new AbortController().signal);

test("texts of several encodings are read", async () => {
  assert.equal((await readText("a.txt", utf8("Grüße\r\nzwei\rdrei"))).text, "Grüße\nzwei\ndrei");
  assert.equal((await readText("a.txt", bytes(0xff, 0xfe, 0x47, 0, 0xfc, 0))).text, "Gü");
  assert.equal((await readText("a.txt", bytes(0xfe, 0xff, 0, 0x47, 0, 0xfc))).text, "Gü");
  assert.equal((await readText("a.txt", bytes(0x47, 0xfc))).text, "Gü");
});

test("what is empty, blank or no text is refused", async () => {
  await assert.rejects(read("a.txt", bytes()), { name: "DocumentError", message: "The file is empty." });
  await assert.rejects(read("a.txt", utf8(" \n\t")), { name: "DocumentError", message: "The file has no text in it." });
  await assert.rejects(read("a.png", bytes(0x89, 0x50, 0, 1)), { name: "DocumentError", message: "This is neither a text nor a PDF." });
});

test("a text that is too long is refused with numbers", async () => {
  await assert.rejects(read("a.txt", utf8("x".repeat(5_000_001))), { name: "DocumentError", message: /5000001 characters, and 5000000 are the most/ });
});

test("headings of Markdown have those above them, and code has none", () => {
  const text = "Before.\n# A\n## B ##\ntext\n```sh\n# comment\n```\n### C\n## D\n#hashtag\n# E";
  assert.deepEqual(headings(text).map(({ heading }) => heading), [null, "A", "A › B", "A › B › C", "A › D", "E"]);
  assert.deepEqual(headings("# First").map(({ start, heading }) => [start, heading]), [[0, "First"]]);
});

test("a heading that leaves a level out has no gap", () => {
  assert.deepEqual(headings("### deep\n# top").map(({ heading }) => heading), ["deep", "top"]);
});

function line(str: string, y: number, height = 11): Run[] {
  return [{ str, hasEOL: false, transform: [1, 0, 0, 1, 60, y], height }, { str: "", hasEOL: true, transform: [1, 0, 0, 1, 60, y], height: 0 }];
}

test("lines of a page become paragraphs: by their distance and the size of their letters", () => {
  const runs = [...line("Title", 800, 20), ...line("First line", 780), ...line("second line.", 765), ...line("New paragraph.", 735)];
  assert.equal(pageText(runs), "Title\n\nFirst line second line.\n\nNew paragraph.");
});

test("a word that a line divides is put together, and one with a hyphen of its own is not", () => {
  assert.equal(pageText([...line("the life-", 800), ...line("boat and 1990-", 785), ...line("2000, E-", 770), ...line("Mail", 755)]), "the lifeboat and 1990- 2000, E- Mail");
});

test("runs of a line are put together as they come", () => {
  const runs = ["Hel", "lo", " ", "world"].map((str): Run => ({ str, hasEOL: false, transform: [1, 0, 0, 1, 60, 700], height: 11 }));
  assert.equal(pageText(runs), "Hello world");
  assert.equal(pageText([]), "");
});
