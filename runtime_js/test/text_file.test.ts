import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_FILE_BYTES, plainName, readTextFile } from "../src/app/text_file.ts";

const file = (name: string, ...parts: readonly BlobPart[]): File => new File([...parts], name);

test("texts in UTF-8 and UTF-16 are read, whatever they are called", async () => {
  assert.deepEqual(await readTextFile(file("a.md", "# Über\r\n")), { name: "a.md", text: "# Über\r\n" });
  assert.deepEqual(await readTextFile(file("b", "\ufeffwith a mark")), { name: "b", text: "with a mark" });
  assert.deepEqual(await readTextFile(file("c.txt", new Uint8Array([0xff, 0xfe, 0x41, 0, 0xac, 0x20]))), { name: "c.txt", text: "A€" });
  assert.deepEqual(await readTextFile(file("d.txt", new Uint8Array([0xfe, 0xff, 0, 0x41]))), { name: "d.txt", text: "A" });
  assert.deepEqual(await readTextFile(file("log", "\u001b[31mred\u001b[0m")), { name: "log", text: "\u001b[31mred\u001b[0m" });
});

test("what is no text, or too much of it, is refused", async () => {
  assert.equal(await readTextFile(file("old.txt", new Uint8Array([0x47, 0x72, 0xfc, 0xdf, 0x65]))), "notText", "Latin-1");
  assert.equal(await readTextFile(file("picture.png", new Uint8Array([0x89, 0x50, 0x4e, 0x47]))), "notText");
  assert.equal(await readTextFile(file("zeros.txt", "a\0b")), "notText");
  assert.equal(await readTextFile(file("wide.txt", new Uint8Array([0xff, 0xfe, 0x41]))), "notText", "half a character");
  assert.equal(await readTextFile(file("nothing.txt", " \n")), "isEmpty");
  assert.equal(await readTextFile(file("large.txt", new Uint8Array(MAX_FILE_BYTES + 1))), "tooLarge");
});

test("a file's name is one plain line", () => {
  assert.equal(plainName("../../etc/passwd"), "passwd");
  assert.equal(plainName("C:\\notes\\a.txt"), "a.txt");
  assert.equal(plainName("a\nb\u202etxt.exe\u0000"), "abtxt.exe");
  assert.equal(plainName("/"), "?");
  assert.equal(plainName("x".repeat(1000)).length, 200);
});
