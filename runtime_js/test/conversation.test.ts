import assert from "node:assert/strict";
import { test } from "node:test";
import { newChat, type Chat, type ChatMessage, type ChatRecord } from "../src/app/chats/record.ts";
import { Conversation, type Keeper } from "../src/app/conversation.ts";
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

/** What is kept of a chat, as the store has it. */
class FakeKeeper implements Keeper {
  record: Partial<ChatRecord> = {};
  readonly messages = new Map<string, ChatMessage>();
  put(_id: string, record: Partial<ChatRecord>, messages: readonly ChatMessage[] = []): void {
    this.record = { ...this.record, ...record };
    for (const message of messages) this.messages.set(message.id, message);
  }
  get chat(): Chat {
    return { record: { ...newChat(), ...this.record }, messages: [...this.messages.values()] };
  }
}

function conversation(messages: readonly Message[], keeper: Keeper = new FakeKeeper()): Conversation {
  const made = new Conversation(keeper);
  for (const message of messages) made.add(message);
  return made;
}

const texts = ({ messages }: Conversation): string => messages.map(({ text }) => text).join(" ");

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
  made.goBack(1);
  assert.deepEqual(made.turns().map(({ text }) => text), ["a"]);
});

test("an answer that grows is kept when that is asked, and once it has ended", () => {
  const keeper = new FakeKeeper();
  const made = conversation([question("a")], keeper);
  const id = made.add(answer("", "open"));
  made.replace(id, answer("half", "open"));
  const kept = (): string | undefined => keeper.messages.get(id)?.text;
  assert.equal(kept(), "");
  made.saveOpen(id);
  assert.equal(kept(), "half");
  made.replace(id, answer("whole"));
  assert.equal(kept(), "whole");
  assert.equal(keeper.record.title, "a");
  assert.deepEqual(new Conversation(keeper, keeper.chat).messages, made.messages);
});

test("what is asked or answered again stands beside the former", () => {
  const keeper = new FakeKeeper();
  const made = conversation([question("a"), answer("b"), question("c"), answer("d")], keeper);
  made.goBack(3);
  made.add(answer("e"));
  made.goBack(0);
  made.add(question("f"));
  made.add(answer("g"));
  assert.equal(texts(made), "f g");
  assert.deepEqual(made.branches, [{ number: 2, of: 2 }, { number: 1, of: 1 }]);
  made.turnTo(0, -1);
  assert.equal(texts(made), "a b c e", "what was written last below");
  assert.deepEqual(made.branches.at(-1), { number: 2, of: 2 });
  made.turnTo(3, -1);
  assert.equal(texts(new Conversation(keeper, keeper.chat)), "a b c d", "the branch that is shown is kept");
  made.turnTo(3, -1);
  assert.equal(texts(made), "a b c d", "there is none before the first");
});

test("an answer that says nothing is no alternative", () => {
  const made = conversation([question("a"), answer("", "failed")]);
  made.goBack(1);
  made.add(answer("b"));
  assert.deepEqual(made.branches.at(-1), { number: 1, of: 1 });
});

test("an answer that was cut is what the model is told last", () => {
  const made = conversation([question("a"), answer("half ", "abort")]);
  assert.ok(made.isCut);
  assert.deepEqual(made.turns().at(-1), { role: "assistant", text: "half " });
  assert.ok(!conversation([question("a"), answer("", "abort")]).isCut, "there is nothing to go on with");
  assert.ok(!conversation([question("a"), answer("b")]).isCut);
});

test("what another tab has kept is taken over, and neither loses what it has", () => {
  const keeper = new FakeKeeper();
  const one = conversation([question("a"), answer("b")], keeper);
  const other = new Conversation(keeper, keeper.chat);
  other.add(question("c"));
  one.merge(keeper.chat, undefined);
  assert.equal(texts(one), "a b c", "who stands at the end goes along");
  one.goBack(2);
  one.add(question("d"));
  const id = one.add(answer("", "open"));
  other.add(answer("e"));
  one.merge(keeper.chat, id);
  assert.equal(texts(one), "a b d ", "who writes stays");
  one.replace(id, answer("f"));
  const later = new Conversation(keeper, keeper.chat);
  assert.equal(texts(later), "a b d f");
  later.turnTo(2, -1);
  assert.equal(texts(later), "a b c e");
});

test("a chat that another tab has deleted is kept again by who goes on with it", () => {
  const keeper = new FakeKeeper();
  const made = conversation([question("a"), answer("b")], keeper);
  made.lose();
  keeper.messages.clear();
  keeper.record = {};
  made.add(question("c"));
  assert.equal(texts(new Conversation(keeper, keeper.chat)), "a b c");
});

test("texts that came with a question are told before it, in a fence that they do not have", () => {
  const made = conversation([{ ...question("What is it?"), attachments: [{ name: "a.md", text: "```js\n1\n```\n" }] }]);
  assert.equal(made.turns()[0]?.text, "a.md:\n\n````\n```js\n1\n```\n````\n\nWhat is it?");
});

test("sites of one origin keep their values apart", () => {
  const shared = new FakeStorage();
  const [one, other, again] = ["/a", "/b", "/a"].map((site) => safeStorage(() => shared, site));
  one?.set("settings", "of a");
  assert.deepEqual([other?.get("settings"), again?.get("settings")], [undefined, "of a"]);
});
