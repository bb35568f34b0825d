import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldDiffs, lineDiff } from "../src/diff.ts";
import type { Event, Note } from "../src/items.ts";
import { systemPrompt } from "../src/prompt.ts";
import { toolsOf, type Change } from "../src/tools.ts";
import { MemoryTable } from "./memory.ts";

const [events, notes] = [new MemoryTable<Event>(), new MemoryTable<Note>()];
const tools = toolsOf({ events, notes });

async function call(name: string, given: Record<string, unknown>): Promise<Change | object> {
  const outcome = await tools.find((tool) => tool.name === name)?.call(given);
  assert.ok(outcome !== undefined);
  return outcome.kind === "change" ? outcome.change : outcome.value;
}

async function change(name: string, given: Record<string, unknown>): Promise<Change> {
  const made = await call(name, given);
  assert.ok("apply" in made);
  return made;
}

const WALK = { title: "Walk", start: "2026-11-27T09:00", end: "2026-11-27T10:00", location: "Park" };

test("events are created, listed by days, found by words, changed and deleted", async () => {
  await (await change("create_event", WALK)).apply();
  await (await change("create_event", { ...WALK, title: "Concert", start: "2026-11-28T20:00", end: "2026-11-29T01:00" })).apply();
  const listed = (from: string, to: string): Promise<object> => call("list_events", { from, to });
  assert.deepEqual(await listed("2026-11-27", "2026-11-27"), { events: [{ ...WALK, details: "", id: 1 }] });
  assert.match(JSON.stringify(await listed("2026-11-29", "2026-12-31")), /Concert/);
  assert.deepEqual(await listed("2026-11-30", "2026-12-31"), { events: [] });
  assert.match(JSON.stringify(await call("search_events", { words: "PARK concert" })), /"id":2/);
  const update = await change("update_event", { id: 1, title: "Long walk" });
  assert.deepEqual(fieldDiffs(update.before, update.after), [{ field: "title", lines: [{ kind: "removed", text: "Walk" }, { kind: "added", text: "Long walk" }] }]);
  assert.deepEqual(await update.apply(), { changed: 1 });
  assert.deepEqual(await (await change("delete_event", { id: 1 })).apply(), { deleted: 1 });
  assert.equal((await events.all()).length, 1);
});

test("a change of what was changed meanwhile is not made", async () => {
  const [one, other] = [await change("update_event", { id: 2, title: "One" }), await change("update_event", { id: 2, title: "Other" })];
  await one.apply();
  await assert.rejects(other.apply(), { name: "ToolError", message: /changed meanwhile/ });
  assert.equal((await events.get(2))?.title, "One");
});

test("what another agent may send is read strictly", async () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ ...WALK, title: "" }, /title is missing/], [{ ...WALK, title: 3 }, /title is no text/], [{ ...WALK, title: "x".repeat(121) }, /more than 120/],
    [{ ...WALK, start: "2026-02-30T10:00" }, /start is no time/], [{ ...WALK, start: "tomorrow" }, /start is no time/],
    [{ ...WALK, color: "red" }, /no argument "color"/], [{ ...WALK, end: undefined }, /end is missing/],
  ];
  for (const [given, message] of wrong) await assert.rejects(call("create_event", given), { name: "ToolError", message });
  await assert.rejects(call("delete_note", { id: "1" }), { name: "ToolError", message: /id is no number/ });
  await assert.rejects(call("update_event", { id: 2, location: "Park" }), { name: "ToolError", message: /change nothing/ });
});

test("long lists say how many more there are", async () => {
  for (let i = 0; i < 40; i++) await notes.insert({ title: `Note ${i}`, text: "long text" });
  const listed = await call("list_notes", {});
  assert.match(JSON.stringify(listed), /"more":10/);
  assert.doesNotMatch(JSON.stringify(listed), /long text/);
});

test("every tool's schema is closed, and writes are marked", () => {
  assert.equal(tools.length, 10);
  for (const { name, parameters, writes } of tools) {
    assert.equal(parameters["additionalProperties"], false);
    assert.equal(writes, /^(create|update|delete)/.test(name));
  }
});

test("a text's lines are compared", () => {
  const kinds = (before: string, after: string): string => lineDiff(before, after).map(({ kind, text }) => `${{ same: " ", removed: "-", added: "+" }[kind]}${text}`).join("|");
  assert.equal(kinds("milk\nbread\neggs", "milk\nbutter\neggs\ntea"), " milk|-bread|+butter| eggs|+tea");
  assert.equal(kinds("", "a"), "+a");
  assert.equal(kinds("a", ""), "-a");
  assert.equal(kinds("a", "a"), " a");
  const long = "x\n".repeat(500);
  assert.equal(lineDiff(long, `${long}y`).filter(({ kind }) => kind === "same").length, 0);
});

test("only what says something is shown of what comes or goes", () => {
  assert.deepEqual(fieldDiffs(null, { title: "A", location: "" }).map(({ field }) => field), ["title"]);
  assert.deepEqual(fieldDiffs({ title: "A", location: "" }, null), [{ field: "title", lines: [{ kind: "removed", text: "A" }] }]);
});

test("the model is told the day and the minute", () => {
  assert.match(systemPrompt(new Date(2026, 10, 26, 15, 5)).content, /Thursday, 2026-11-26T15:05/);
});
