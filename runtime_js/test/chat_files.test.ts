import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Database } from "../src/app/chats/database.ts";
import { newChat, type Chat, type ChatMessage } from "../src/app/chats/record.ts";
import { ChatStore } from "../src/app/chats/store.ts";
import { search } from "../src/app/sidebar/search.ts";
import { fileName, fromJson, takeIn, toJson, toMarkdown } from "../src/app/sidebar/transfer.ts";
import EN from "../src/app/words/en.ts";
import { turnsOf } from "../src/view/message.ts";

let stores = 0;
const newStore = (): ChatStore => new ChatStore(new Database(`files ${stores++}`), undefined, (error) => assert.fail(String(error)));
const said = (id: string, parent?: string, more: Partial<ChatMessage> = {}): ChatMessage =>
  ({ id, role: "user", text: id, ending: "stop", at: 1, ...(parent !== undefined && { parent }), ...more });
const chat = (id: string, messages: readonly ChatMessage[], title = id): Chat => ({ record: { ...newChat(), id, title, leaf: messages.at(-1)?.id }, messages });
const file = (chats: unknown, more: object = {}): string => JSON.stringify({ format: "webllm-build chats", version: 1, chats, ...more });

test("what is written to a file is read as it was, but for an answer that was being written", async () => {
  const made = chat("a", [said("1"), said("2", "1", { role: "assistant", ending: "open", attachments: [{ name: "a.txt", text: "b" }] })]);
  const [read] = fromJson(await toJson([made]));
  assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify({ ...made, messages: [made.messages[0], { ...made.messages[1], ending: "abort" }] })));
});

test("pictures and sounds go along with a chat, through storage and a file, and come back as they were", async () => {
  const data = new Blob([Uint8Array.of(137, 80, 78, 71, 0, 255)], { type: "image/png" });
  const sound = new Blob([Uint8Array.of(82, 73, 255)], { type: "audio/wav" });
  const made = chat("p", [said("1", undefined, { pictures: [{ name: "a.png", description: "a cat", data }, { name: "b.png", data }], sounds: [{ name: "c.wav", description: "it purrs", data: sound }] })]);
  const store = newStore();
  await takeIn(store, fromJson(await toJson([made])));
  const pictures = (await store.read("p"))?.messages[0]?.pictures ?? [];
  assert.deepEqual(pictures.map(({ name, description }) => [name, description]), [["a.png", "a cat"], ["b.png", undefined]]);
  assert.deepEqual(await Promise.all(pictures.map(async (one) => [one.data.type, ...new Uint8Array(await one.data.arrayBuffer())])), [["image/png", 137, 80, 78, 71, 0, 255], ["image/png", 137, 80, 78, 71, 0, 255]]);
  const [{ data: heard = new Blob(), ...told } = {}] = (await store.read("p"))?.messages[0]?.sounds ?? [];
  assert.deepEqual([told, heard.type, ...new Uint8Array(await heard.arrayBuffer())], [{ name: "c.wav", description: "it purrs" }, "audio/wav", 82, 73, 255]);
  assert.match(toMarkdown(made, EN.chats), /!\[a cat\]\(a\.png\)\n\n!\[b\.png\]\(b\.png\)\n\n\[it purrs\]\(c\.wav\)\n\n1/);
  const text = await toJson([made]);
  for (const url of ["data:image/svg+xml;base64,AA==", "data:text/html;base64,AA==", "https://a.example/a.png", "data:image/png,x"]) {
    assert.throws(() => fromJson(text.replaceAll(/data:image[^"]*/g, url)), /pictures\[0\]\.data must be a data URL/, url);
    assert.throws(() => fromJson(text.replaceAll(/data:audio[^"]*/g, url)), /sounds\[0\]\.data must be a data URL/, url);
  }
});

test("what a model is told of pictures: of two questions in a row those of both", () => {
  const data = new Blob(["x"], { type: "image/png" });
  const turns = turnsOf([said("1", undefined, { pictures: [{ name: "a.png", data }] }), said("2", "1", { pictures: [{ name: "b.png", data }] })]);
  assert.deepEqual(turns.map(({ media }) => media?.map(({ name }) => name)), [["a.png", "b.png"]]);
});

test("a file that is something else is refused, with what is wrong", () => {
  const { record } = chat("a", []);
  const one = { ...record, messages: [said("1")] };
  for (const [text, wrong] of [
    ["[]", /object/], ["{}", /format/], [file([], { version: 2 }), /newer/], [file({}), /chats must be an array/],
    [file([{ ...one, id: "a/../b" }]), /chats\[0\]\.id/], [file([{ ...one, title: "x".repeat(201) }]), /title/], [file([{ ...one, messages: [{ ...said("1"), text: 1 }] }]), /text/],
    [file([{ ...one, messages: Array(20_001).fill(said("1")) }]), /20001/], [file(Array(10_001).fill(one)), /10001/],
    [file([{ ...one, settings: { systemPrompt: 1 } }]), /systemPrompt/], [file([{ ...one, created: "now" }]), /created/],
  ] as const) assert.throws(() => fromJson(text), wrong);
  const polluted = fromJson(file([one]).replace('"pinned"', '"__proto__":{"x":1},"pinned"'));
  assert.ok(!("x" in (polluted[0]?.record ?? {})));
});

test("what is there is not changed by a file, and what it lacks is added", async () => {
  const store = newStore();
  await takeIn(store, [chat("a", [said("1"), said("2", "1")], "mine")]);
  await takeIn(store, [chat("a", [said("1", undefined, { text: "forged" }), said("3", "1")], "theirs"), chat("b", [said("1")])]);
  const a = await store.read("a");
  assert.deepEqual([a?.record.title, a?.record.leaf], ["mine", "2"]);
  assert.deepEqual(a?.messages.map(({ id, text }) => [id, text]).sort(), [["1", "1"], ["2", "2"], ["3", "3"]]);
  assert.equal((await store.read("b"))?.messages.length, 1);
  store.put("b", { deleted: 1 });
  await takeIn(store, [chat("b", [said("1")])]);
  assert.equal((await store.read("b"))?.record.deleted, undefined, "one that was thrown away is back");
});

test("Markdown has what is shown", () => {
  const made = chat("a", [said("1"), said("2", "1", { role: "assistant", by: "Ada" }), said("3", "1", { role: "assistant", text: "*other* " })], "Title");
  assert.equal(toMarkdown(made, EN.chats), "# Title\n\n## You\n\n1\n\n## Model\n\n*other*\n");
  assert.match(toMarkdown({ ...made, record: { ...made.record, leaf: "2" } }, EN.chats), /## Ada\n\n2\n$/);
});

test("names of files are such that every system takes them", () => {
  assert.equal(fileName("../a: b?\u202e", "md"), "a-b.md");
  assert.equal(fileName("???", "json"), "chat.json");
  assert.equal(fileName("日本 語", "md"), "日本-語.md");
});

test("chats are found by all words of a query, in titles and in what was said", async () => {
  const store = newStore();
  await takeIn(store, [chat("a", [said("1", undefined, { text: "Ein Café in Wien" })], "one"), chat("b", [said("1", undefined, { text: "tea" })], "two")]);
  const find = async (query: string): Promise<string[]> => (await search(store, await store.records(), query, () => false)).map(({ id }) => id);
  assert.deepEqual(await find("cafe WIEN"), ["a"]);
  assert.deepEqual(await find("one wien"), ["a"]);
  assert.deepEqual(await find("two wien"), []);
  assert.deepEqual((await find(" ")).sort(), ["a", "b"]);
});

test("a file that is no JSON, or no file of chats, is told so in words", () => {
  for (const text of ["", "\u0089PNG", '{"format": ', "[]", "null", '{"format": 1}']) assert.throws(() => fromJson(text), /no file of chats|must be an object/, text);
});
