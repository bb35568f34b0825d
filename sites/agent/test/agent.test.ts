import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ROUNDS, perform, run, type Call, type Message, type Model, type Turn, type User } from "../src/agent.ts";
import { toolsOf, type Change, type Tool } from "../src/tools.ts";
import { MemoryTable } from "./memory.ts";
import type { Event, Note } from "../src/items.ts";

const signal = new AbortController().signal;

/** Says what it is told to say, and keeps what it was asked. */
class Script implements Model {
  readonly asked: string[] = [];
  #next = 0;
  constructor(private readonly turns: readonly (string | [name: string, given: object | string][])[], private readonly cut = false) {}

  async respond(messages: readonly Message[], _tools: readonly Tool[], onText: (text: string) => void, until: AbortSignal): Promise<Turn> {
    until.throwIfAborted();
    this.asked.push(messages.at(-1)?.content ?? "");
    const turn = this.turns[Math.min(this.#next, this.turns.length - 1)] ?? "";
    this.#next += 1;
    if (typeof turn === "string") {
      onText(turn);
      return { text: turn, calls: [], isCut: false };
    }
    const calls = turn.map(([name, given], i): Call => ({ id: `${this.#next}.${i}`, name, arguments: typeof given === "string" ? given : JSON.stringify(given) }));
    return { text: "", calls, isCut: this.cut };
  }
}

class Decider implements User {
  readonly changes: Change[] = [];
  readonly results: string[] = [];
  constructor(private readonly decide: boolean | ((until: AbortSignal) => Promise<boolean>) = true) {}

  said(): void {}
  called(): void {}
  answered(_call: Call, result: string): void {
    this.results.push(result);
  }

  async confirm(change: Change, until: AbortSignal): Promise<boolean> {
    this.changes.push(change);
    return typeof this.decide === "boolean" ? this.decide : this.decide(until);
  }
}

function setUp(): { events: MemoryTable<Event>; notes: MemoryTable<Note>; tools: Tool[] } {
  const [events, notes] = [new MemoryTable<Event>(), new MemoryTable<Note>()];
  return { events, notes, tools: toolsOf({ events, notes }) };
}

const task = (): Message[] => [{ role: "user", content: "do it" }];
const LUNCH = { title: "Lunch", start: "2026-11-27T12:00", end: "2026-11-27T13:00" };

test("a write is made when it is allowed, and the model is told", async () => {
  const { events, tools } = setUp();
  const [model, user, messages] = [new Script([[["create_event", LUNCH]], "Done."]), new Decider(), task()];
  assert.equal(await run(messages, model, tools, user, signal), "answered");
  assert.deepEqual((await events.all()).map(({ title }) => title), ["Lunch"]);
  assert.deepEqual(model.asked, ["do it", '{"created":1}']);
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "tool", "assistant"]);
});

test("a write that is refused is not made, and the model is told", async () => {
  const { events, tools } = setUp();
  const model = new Script([[["create_event", LUNCH]], "As you like."]);
  assert.equal(await run(task(), model, tools, new Decider(false), signal), "answered");
  assert.deepEqual(await events.all(), []);
  assert.match(model.asked[1] ?? "", /refused/);
});

test("reads are not confirmed", async () => {
  const { tools } = setUp();
  const user = new Decider();
  await run(task(), new Script([[["list_notes", {}]], "None."]), tools, user, signal);
  assert.deepEqual([user.changes.length, user.results], [0, ['{"notes":[]}']]);
});

test("errors of tools, unknown tools and arguments that are no JSON are told to the model", async () => {
  const { tools } = setUp();
  const model = new Script([[["delete_event", { id: 7 }]], [["fly", {}]], [["list_notes", "{"]], [["create_event", { ...LUNCH, end: "2026-11-27T11:00" }]], "Sorry."]);
  await run(task(), model, tools, new Decider(), signal);
  assert.match(model.asked[1] ?? "", /"error":"There is no event with the id 7/);
  assert.match(model.asked[2] ?? "", /There is no tool \\"fly\\"/);
  assert.match(model.asked[3] ?? "", /no JSON object/);
  assert.match(model.asked[4] ?? "", /before it starts/);
});

test("a table that fails is an error of the tool", async () => {
  const { notes, tools } = setUp();
  notes.all = () => Promise.reject(new Error("the disk is full"));
  const model = new Script([[["list_notes", {}]], "Sorry."]);
  assert.equal(await run(task(), model, tools, new Decider(), signal), "answered");
  assert.match(model.asked[1] ?? "", /the disk is full/);
});

test("the same call twice ends the loop, whatever the order of its arguments", async () => {
  const { tools } = setUp();
  const days = [["list_events", { from: "2026-11-01", to: "2026-11-30" }]] satisfies [string, object][];
  const again = [["list_events", { to: "2026-11-30", from: "2026-11-01" }]] satisfies [string, object][];
  const model = new Script([days, again, "never"]);
  assert.equal(await run(task(), model, tools, new Decider(), signal), "repeated");
  assert.equal(model.asked.length, 2);
});

test("a list may be read again behind a write, and the same write not", async () => {
  const { events, tools } = setUp();
  const list: [string, object][] = [["list_notes", {}]];
  assert.equal(await run(task(), new Script([list, [["create_event", LUNCH]], list, "Done."]), tools, new Decider(), signal), "answered");
  assert.equal(await run(task(), new Script([[["create_event", LUNCH]]]), tools, new Decider(), signal), "repeated");
  assert.equal((await events.all()).length, 2);
});

test("a write that was made is not made again behind another", async () => {
  const { events, tools } = setUp();
  const [lunch, dinner] = [LUNCH, { ...LUNCH, title: "Dinner" }].map((event): [string, object][] => [["create_event", event]]);
  assert.ok(lunch !== undefined && dinner !== undefined);
  assert.equal(await run(task(), new Script([lunch, dinner, lunch]), tools, new Decider(), signal), "repeated");
  assert.equal((await events.all()).length, 2);
});

test("a refused call that is made again ends the loop, and nobody is asked again", async () => {
  const { tools } = setUp();
  const user = new Decider(false);
  assert.equal(await run(task(), new Script([[["create_event", LUNCH]]]), tools, user, signal), "repeated");
  assert.equal(user.changes.length, 1);
});

test("a model that never ends is stopped", async () => {
  const { tools } = setUp();
  const model = new Script(Array.from({ length: 20 }, (_, i): [string, object][] => [["search_notes", { words: `word ${i}` }]]));
  assert.equal(await run(task(), model, tools, new Decider(), signal), "rounds");
  assert.equal(model.asked.length, MAX_ROUNDS);
});

test("a call that was cut off is not made", async () => {
  const { tools } = setUp();
  const user = new Decider();
  const model = new Script([[["create_note", '{"title": "a", "text": "b"}']], "Sorry."], true);
  await run(task(), model, tools, user, signal);
  assert.equal(user.changes.length, 0);
  assert.match(model.asked[1] ?? "", /cut off/);
});

test("stopping ends a question that waits, and writes nothing", async () => {
  const { events, tools } = setUp();
  const controller = new AbortController();
  const user = new Decider((until) => new Promise((_, reject) => {
    until.addEventListener("abort", () => reject(until.reason));
    controller.abort();
  }));
  await assert.rejects(run(task(), new Script([[["create_event", LUNCH]], "Done."]), tools, user, controller.signal), { name: "AbortError" });
  assert.deepEqual(await events.all(), []);
});

test("what is allowed in the moment of stopping is not written", async () => {
  const { events, tools } = setUp();
  const controller = new AbortController();
  const user = new Decider(async () => {
    controller.abort();
    return true;
  });
  await assert.rejects(run(task(), new Script([[["create_event", LUNCH]], "Done."]), tools, user, controller.signal), { name: "AbortError" });
  assert.deepEqual(await events.all(), []);
});

test("another agent's write waits for the user, too", async () => {
  const { events, tools } = setUp();
  const refused = await perform({ name: "create_event", arguments: JSON.stringify(LUNCH) }, tools, new Decider(false), signal);
  assert.equal(refused.isError, true);
  await perform({ name: "create_event", arguments: JSON.stringify(LUNCH) }, tools, new Decider(true), signal);
  assert.equal((await events.all()).length, 1);
});
