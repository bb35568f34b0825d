import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../src/app/conversation.ts";
import type { Message } from "../src/view/message.ts";
import { safeStorage } from "../src/app/safe_storage.ts";

class FakeStorage implements Storage {
  readonly #items = new Map<string, string>();
  [name: string]: unknown;
  room = 1000;
  get length(): number {
    return this.#items.size;
  }
  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }
  clear(): void {
    this.#items.clear();
  }
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (value.length > this.room) throw new Error("QuotaExceededError");
    this.#items.set(key, value);
  }
  removeItem(key: string): void {
    this.#items.delete(key);
  }
}

function conversation(messages: readonly Message[]): Conversation {
  const made = new Conversation(safeStorage(() => new FakeStorage()), "m");
  for (const message of messages) made.add(message);
  return made;
}

const question = (text: string): Message => ({ role: "user", text, ending: "stop" });
const answer = (text: string, ending: Message["ending"] = "stop"): Message => ({ role: "assistant", text, ending });

test("what is kept in a storage that is null, or refuses later, lasts as long as the page", () => {
  const open: () => Storage = JSON.parse.bind(undefined, "null");
  const refusing = new FakeStorage();
  refusing.room = 0;
  refusing.getItem = () => { throw new Error("SecurityError"); };
  for (const storage of [safeStorage(open), safeStorage(() => refusing)]) {
    assert.equal(storage.get("a"), undefined);
    storage.set("a", "1");
    assert.equal(storage.get("a"), "1");
  }
});

test("what was stored last is read, also after a failure", () => {
  const storage = new FakeStorage();
  const safe = safeStorage(() => storage);
  safe.set("key", "one");
  storage.room = 0;
  safe.set("key", "two");
  assert.equal(safe.get("key"), "two");
  storage.room = 1000;
  safe.set("key", "three");
  assert.equal(safe.get("key"), "three");
  assert.equal(storage.getItem("key"), "three");
});

test("the model is told questions and answers in turn", () => {
  const { role: user } = question("");
  assert.deepEqual(conversation([question("a"), answer("b"), question("c")]).turns().map(({ text }) => text), ["a", "b", "c"]);
  for (const nothing of [answer(""), answer(" \n", "abort"), answer("half", "failed")]) {
    assert.deepEqual(conversation([question("a"), nothing, question("b")]).turns(), [{ role: user, text: "a\n\nb" }]);
  }
  assert.deepEqual(conversation([question("a"), answer("half", "abort"), question("b")]).turns().map(({ text }) => text), ["a", "half", "b"]);
});

test("the oldest half is left out, and at last only the question is there", () => {
  const made = conversation([question("a"), answer("b"), question("c"), answer("d"), question("e"), answer("f"), question("g"), answer("", "failed")]);
  const told: string[] = [];
  while (made.canLeaveOut) {
    made.leaveOutOldest();
    told.push(made.turns().map(({ text }) => text).join(""));
  }
  assert.deepEqual(told, ["efg", "g"]);
  assert.equal(made.messages.length, 8);
});

test("a conversation cut back to what was left out is told again", () => {
  const made = conversation([question("a"), answer("b"), question("c"), answer("d")]);
  made.leaveOutOldest();
  made.truncate(1);
  assert.deepEqual(made.turns().map(({ text }) => text), ["a"]);
});

test("only an open answer is stored on the way", () => {
  const storage = new FakeStorage();
  const made = new Conversation(safeStorage(() => storage), "m");
  made.add(question("a"));
  made.add(answer("", "open"));
  made.replaceLast(answer("half", "open"));
  const restored = (): Conversation => {
    const other = new Conversation(safeStorage(() => storage), "m");
    other.restore();
    return other;
  };
  assert.equal(restored().messages[1]?.text, "");
  made.saveOpen();
  assert.deepEqual(restored().messages.at(-1), { role: "assistant", text: "half", thought: undefined, ending: "abort", speed: undefined, by: undefined, leftOut: undefined });
  made.replaceLast(answer("whole"));
  storage.setItem("webllm-build:conversation:m", "[]");
  made.saveOpen();
  assert.equal(restored().messages.length, 0);
});

test("sites of one origin keep their values apart", () => {
  const shared = new FakeStorage();
  const [one, other, again] = ["/a", "/b", "/a"].map((site) => safeStorage(() => shared, site));
  one?.set("settings", "of a");
  assert.deepEqual([other?.get("settings"), again?.get("settings")], [undefined, "of a"]);
});
