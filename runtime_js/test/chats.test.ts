import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { deleteDB, openDB } from "idb";
import { MAX_ASKED, addressOf, readAddress } from "../src/app/chats/address.ts";
import { Database } from "../src/app/chats/database.ts";
import { forgetLegacy, readLegacy } from "../src/app/chats/legacy.ts";
import { newChat, titleOf, type ChatMessage, type ChatRecord } from "../src/app/chats/record.ts";
import { ChatStore, UNDO_MS, type Channel } from "../src/app/chats/store.ts";
import { MessageTree } from "../src/app/chats/tree.ts";
import { safeStorage } from "../src/app/safe_storage.ts";

const NAME = "chats";

beforeEach(() => {
  Object.assign(globalThis, { indexedDB: new IDBFactory() });
});

/** Tabs of one browser. */
class Tabs {
  readonly refused: string[] = [];
  readonly #listeners: ((event: { readonly data: unknown }) => void)[] = [];
  open(): ChatStore {
    const own = this.#listeners.length;
    const channel: Channel = {
      postMessage: (data) => this.#listeners.forEach((listener, index) => { if (index !== own) listener({ data }); }),
      addEventListener: (_, listener) => void this.#listeners.push(listener),
    };
    return new ChatStore(new Database(NAME), channel, (error, doing) => this.refused.push(`${doing}: ${error instanceof Error ? error.name : String(error)}`));
  }
}

const said = (id: string, parent?: string, more: Partial<ChatMessage> = {}): ChatMessage =>
  ({ id, role: "user", text: id, ending: "stop", at: 1, ...(parent !== undefined && { parent }), ...more });
const chat = (id: string, more: Partial<ChatRecord> = {}): ChatRecord => ({ ...newChat(), id, title: id, ...more });
const idsOf = async (store: ChatStore, id: string): Promise<string[] | undefined> => (await store.read(id))?.messages.map((message) => message.id).sort();

test("what one tab keeps another finds, and hears of", async () => {
  const tabs = new Tabs();
  const [one, other] = [tabs.open(), tabs.open()];
  const heard: string[] = [];
  other.follow((id, byOther) => heard.push(`${id} ${byOther}`));
  one.put("a", chat("a"), [said("1")]);
  assert.deepEqual((await one.records()).map(({ id }) => id), ["a"], "at once");
  await one.save();
  assert.deepEqual(await idsOf(other, "a"), ["1"]);
  assert.ok(heard.includes("a true"));
  assert.ok(one.isSaved);
});

test("two tabs that write in one chat lose nothing, in whatever order", async () => {
  const tabs = new Tabs();
  const [one, other] = [tabs.open(), tabs.open()];
  one.put("a", chat("a"), [said("1")]);
  await one.save();
  one.put("a", { leaf: "2" }, [said("2", "1")]);
  other.put("a", { leaf: "3" }, [said("3", "1")]);
  other.put("a", { title: "renamed" });
  await Promise.all([one.save(), other.save()]);
  assert.deepEqual(await idsOf(one, "a"), ["1", "2", "3"]);
  const record = (await one.records())[0];
  assert.equal(record?.title, "renamed");
  assert.ok(record?.leaf === "2" || record?.leaf === "3");
});

test("a chat that one tab deletes for good stays deleted while another writes in it, until it is kept whole", async () => {
  const tabs = new Tabs();
  const [one, other] = [tabs.open(), tabs.open()];
  one.put("a", chat("a"), [said("1")]);
  await one.save();
  one.remove("a");
  await one.save();
  other.put("a", { leaf: "2" }, [said("2", "1")]);
  other.put("a", {}, [said("3", "1")]);
  await other.save();
  assert.deepEqual(await other.records(), []);
  assert.equal(await other.read("a"), undefined);
  other.put("a", chat("a"), [said("1"), said("2", "1")]);
  await other.save();
  assert.deepEqual(await idsOf(one, "a"), ["1", "2"], "and nothing is left of what was written in between");
});

test("what was thrown away is deleted when it can be taken back no more", async () => {
  const store = new Tabs().open();
  store.put("old", chat("old", { deleted: Date.now() - UNDO_MS }), [said("1")]);
  store.put("new", chat("new", { deleted: Date.now() }), [said("1")]);
  await store.save();
  await store.purge();
  await store.save();
  assert.deepEqual((await store.records()).map(({ id }) => id), ["new"]);
  store.put("new", { deleted: undefined });
  await store.save();
  assert.equal((await store.read("new"))?.record.deleted, undefined);
});

test("where the browser keeps nothing the page remembers, and keeps it once it can", async () => {
  const { indexedDB } = globalThis;
  Object.assign(globalThis, { indexedDB: { open: () => { throw new DOMException("no", "SecurityError"); } } });
  const tabs = new Tabs();
  const store = tabs.open();
  store.put("a", chat("a"), [said("1")]);
  await store.save();
  store.put("a", { title: "b" }, [said("2", "1")]);
  assert.deepEqual(await idsOf(store, "a"), ["1", "2"]);
  assert.equal((await store.records())[0]?.title, "b");
  assert.ok(!store.isSaved);
  assert.ok(tabs.refused.every((refused) => refused.endsWith("SecurityError")));
  store.remove("a");
  assert.equal(await store.read("a"), undefined);
  Object.assign(globalThis, { indexedDB });
});

test("a clock that is set back by a year does not keep the page from asking for its storage again", async ({ mock }) => {
  (await openDB(NAME, 7)).close(); // which refuses older builds
  const store = new Tabs().open();
  store.put("a", chat("a"), [said("1")]);
  await store.save();
  assert.ok(!store.isSaved);
  await deleteDB(NAME);
  const [now, elapsed] = [Date.now(), performance.now()];
  mock.method(Date, "now", () => now - 365 * 86_400_000);
  mock.method(performance, "now", () => elapsed + 61_000);
  await store.save();
  assert.ok(store.isSaved);
});

test("a newer database is left alone", async () => {
  const newer = await openDB(NAME, 7, { upgrade: (database) => void database.createObjectStore("chats") });
  await newer.put("chats", { other: "shape" }, "a");
  const tabs = new Tabs();
  const store = tabs.open();
  store.put("b", chat("b"), [said("1")]);
  await store.save();
  assert.deepEqual(await idsOf(store, "b"), ["1"], "the page remembers");
  assert.ok(tabs.refused.includes("write: VersionError"));
  assert.deepEqual(await newer.get("chats", "a"), { other: "shape" });
  newer.close();
});

test("a newer build in another tab may open the database", async () => {
  const store = new Tabs().open();
  store.put("a", chat("a"), [said("1")]);
  await store.save();
  const newer = await openDB(NAME, 2);
  assert.deepEqual(await newer.count("messages"), 1);
  newer.close();
});

test("what another build has written stays, known or not", async () => {
  const store = new Tabs().open();
  store.put("a", chat("a"), [said("1")]);
  await store.save();
  const database = await openDB(NAME);
  await database.put("chats", { ...await database.get("chats", "a"), folder: "work" }, "a");
  await database.put("chats", { id: "odd", title: 7 }, "odd");
  await database.put("messages", { ...said("2", "1"), ending: "paused" }, ["a", "2"]);
  store.put("a", { pinned: true });
  await store.save();
  assert.deepEqual(await idsOf(store, "a"), ["1"], "what cannot be read is not shown");
  assert.deepEqual((await store.records()).map(({ id }) => id), ["a"]);
  assert.equal((await database.get("chats", "a")).folder, "work");
  assert.equal(await database.count("chats"), 2);
  assert.equal(await database.count("messages"), 2);
  database.close();
});

test("parents that lead nowhere, or round in a circle, hang nobody", () => {
  const tree = new MessageTree([said("a", "b"), said("b", "a"), said("c", "c"), said("d", "gone"), said("e", "d", { at: 2 })]);
  assert.deepEqual(tree.pathTo("a").map(({ id }) => id), ["b", "a"]);
  assert.deepEqual(tree.pathTo("c").map(({ id }) => id), ["c"]);
  assert.deepEqual(tree.pathTo("e").map(({ id }) => id), ["d", "e"]);
  assert.equal(tree.latestBelow(undefined), "e");
  assert.equal(tree.latestBelow("a") !== undefined, true);
  for (const message of tree.all) assert.ok(tree.branchOf(message).number >= 1);
});

test("what a former build kept in the tab becomes a chat", () => {
  const storage = safeStorage(() => { throw new Error("denied"); });
  const key = "webllm-build:conversation:m";
  assert.equal(readLegacy(storage, "m"), undefined);
  storage.set(key, JSON.stringify([{ role: "user", text: "one  two\nthree", ending: "stop" }, { role: "assistant", text: "part", ending: "open" }]));
  const found = readLegacy(storage, "m");
  assert.equal(found?.record.title, "one two three");
  assert.deepEqual(found?.messages.map(({ text, ending }) => [text, ending]), [["one  two\nthree", "stop"], ["part", "abort"]]);
  assert.equal(found?.messages[1]?.parent, found?.messages[0]?.id);
  forgetLegacy(storage, "m");
  assert.equal(readLegacy(storage, "m"), undefined);
  storage.set(key, '[{"role": "root"}]');
  assert.equal(readLegacy(storage, "m"), undefined);
});

test("the address says which chat, and asks once", () => {
  const page = "https://example.org/a/?device=cpu";
  assert.deepEqual(readAddress(page), { chat: undefined, question: undefined, address: page });
  assert.equal(readAddress(addressOf(page, "x-1")).chat, "x-1");
  assert.equal(addressOf(addressOf(page, "x"), undefined), page);
  const asked = readAddress(`${page}&q=+why%3F+#chat=x`);
  assert.deepEqual(asked, { chat: undefined, question: "why?", address: page });
  assert.equal(readAddress("https://example.org/?new").address, "https://example.org/");
  assert.equal(readAddress("https://example.org/?q=").question, undefined);
  assert.equal(readAddress(`https://example.org/?q=${"a".repeat(20_000)}`).question?.length, MAX_ASKED);
});

test("a title is a line of what was asked first", () => {
  assert.equal(titleOf("  a\n b "), "a b");
  const long = titleOf("😀".repeat(100));
  assert.equal([...long].length, 61, "no character is cut");
});
