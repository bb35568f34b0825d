/** What may be done with the calendar and the notes: reads answer at once, writes are proposed. */

import { id, moment, onlyKeys, required, text, ToolError, type Arguments } from "./arguments.ts";
import type { Event, Items, Kept, Note, Table } from "./items.ts";

/** A write that was asked for and waits to be allowed. */
export interface Change {
  /** As "Create event". */
  readonly title: string;
  readonly before: Readonly<Record<string, string>> | null;
  readonly after: Readonly<Record<string, string>> | null;
  /** Raises ToolError where the item was changed meanwhile. */
  apply(): Promise<object>;
}

export type Outcome = { readonly kind: "result"; readonly value: object } | { readonly kind: "change"; readonly change: Change };

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** A JSON Schema. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly writes: boolean;
  /** Raises ToolError. */
  call(given: Arguments): Promise<Outcome>;
}

const MAX_TITLE = 120;
const MAX_DETAILS = 400;
const MAX_NOTE = 2000;
const MAX_RESULTS = 30;

const DAY = { type: "string", pattern: "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" };
const TIME = { type: "string", pattern: "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]$" };
const ID = { type: "integer", minimum: 1, maximum: 999999 };
const WORDS = { type: "string", minLength: 1, maxLength: 80 };
const EVENT = {
  title: { type: "string", minLength: 1, maxLength: MAX_TITLE }, start: TIME, end: TIME,
  location: { type: "string", maxLength: MAX_TITLE }, details: { type: "string", maxLength: MAX_DETAILS },
};
const NOTE = { title: { type: "string", minLength: 1, maxLength: MAX_TITLE }, text: { type: "string", maxLength: MAX_NOTE } };

/** One kind of item: how it is described, read and found. */
interface Kind<T extends object> {
  readonly one: string;
  readonly table: Table<T>;
  readonly properties: Readonly<Record<string, object>>;
  readonly needed: readonly string[];
  /** What `given` says, in the place of what there was. Raises ToolError. */
  read(given: Arguments, before: T | null): T;
}

export function toolsOf({ events, notes }: Items): Tool[] {
  const event: Kind<Event> = { one: "event", table: events, properties: EVENT, needed: ["title", "start", "end"], read: readEvent };
  const note: Kind<Note> = { one: "note", table: notes, properties: NOTE, needed: ["title", "text"], read: readNote };
  return [listEvents(events), search(event), create(event), update(event), remove(event), listNotes(notes), search(note), create(note), update(note), remove(note)];
}

function readEvent(given: Arguments, before: Event | null): Event {
  const event = {
    title: required("title", text(given, "title", MAX_TITLE) ?? before?.title),
    start: required("start", moment(given, "start", "minute") ?? before?.start),
    end: required("end", moment(given, "end", "minute") ?? before?.end),
    location: text(given, "location", MAX_TITLE) ?? before?.location ?? "",
    details: text(given, "details", MAX_DETAILS) ?? before?.details ?? "",
  };
  if (event.end < event.start) throw new ToolError(`The event would end at ${event.end}, before it starts at ${event.start}.`);
  return event;
}

function readNote(given: Arguments, before: Note | null): Note {
  return { title: required("title", text(given, "title", MAX_TITLE) ?? before?.title), text: text(given, "text", MAX_NOTE) ?? before?.text ?? "" };
}

function read(
  name: string, description: string, properties: Readonly<Record<string, object>>, answer: (given: Arguments) => Promise<object>,
): Tool {
  const keys = Object.keys(properties);
  return {
    name, description, parameters: { type: "object", properties, required: keys, additionalProperties: false }, writes: false,
    call: async (given) => {
      onlyKeys(given, keys);
      return { kind: "result", value: await answer(given) };
    },
  };
}

function write(
  name: string, description: string, properties: Readonly<Record<string, object>>, needed: readonly string[], propose: (given: Arguments) => Promise<Change>,
): Tool {
  return {
    name, description, parameters: { type: "object", properties, required: needed, additionalProperties: false }, writes: true,
    call: async (given) => {
      onlyKeys(given, Object.keys(properties));
      return { kind: "change", change: await propose(given) };
    },
  };
}

function listEvents(table: Table<Event>): Tool {
  return read("list_events", "Events of some days: from and to are included.", { from: DAY, to: DAY }, async (given) => {
    const [from, to] = [required("from", moment(given, "from", "day")), required("to", moment(given, "to", "day"))];
    const found = (await table.all()).filter(({ start, end }) => start.slice(0, 10) <= to && end.slice(0, 10) >= from);
    return bounded("events", found.sort((one, other) => (one.start < other.start ? -1 : 1)));
  });
}

function listNotes(table: Table<Note>): Tool {
  return read("list_notes", "Titles of all notes. search_notes gives their texts.", {}, async () => (
    bounded("notes", (await table.all()).map(({ id, revision, title }) => ({ id, revision, title })))));
}

function search<T extends object>({ one, table }: Kind<T>): Tool {
  return read(`search_${one}s`, `${capital(one)}s in which all of these words stand.`, { words: WORDS }, async (given) => {
    const words = required("words", text(given, "words", 80)).toLowerCase().split(/\s+/);
    const found = (await table.all()).filter((item) => {
      const all = Object.values(item).join(" ").toLowerCase();
      return words.every((word) => all.includes(word));
    });
    return bounded(`${one}s`, found);
  });
}

function create<T extends object>({ one, table, properties, needed, read }: Kind<T>): Tool {
  return write(`create_${one}`, `Adds ${article(one)}.`, properties, needed, async (given) => {
    const item = read(given, null);
    return { title: `Create ${one}`, before: null, after: fields(item), apply: async () => ({ created: (await table.insert(item)).id }) };
  });
}

function update<T extends object>({ one, table, properties, read }: Kind<T>): Tool {
  return write(`update_${one}`, `Changes ${article(one)}: what is not named stays.`, { id: ID, ...properties }, ["id"], async ({ id: _, ...given }) => {
    const kept = await existing(table, one, { id: _ });
    const item = read(given, kept);
    const [before, after] = [fields(kept), fields(item)];
    if (Object.keys(after).every((key) => after[key] === before[key])) throw new ToolError(`This would change nothing of the ${one}.`);
    return { title: `Change ${one}`, before, after, apply: () => replaced(table, one, kept, item) };
  });
}

function remove<T extends object>({ one, table }: Kind<T>): Tool {
  return write(`delete_${one}`, `Deletes ${article(one)}.`, { id: ID }, ["id"], async (given) => {
    const kept = await existing(table, one, given);
    return { title: `Delete ${one}`, before: fields(kept), after: null, apply: () => replaced(table, one, kept, null) };
  });
}

async function existing<T extends object>(table: Table<T>, one: string, given: Arguments): Promise<Kept<T>> {
  const wanted = id(given);
  const kept = await table.get(wanted);
  if (kept === undefined) throw new ToolError(`There is no ${one} with the id ${wanted}. Find it first by search_${one}s or list_${one}s.`);
  return kept;
}

async function replaced<T extends object>(table: Table<T>, one: string, kept: Kept<T>, item: T | null): Promise<object> {
  if (!await table.replace(kept, item)) throw new ToolError(`The ${one} was changed meanwhile: look at it again.`);
  return item === null ? { deleted: kept.id } : { changed: kept.id };
}

function bounded(name: string, found: readonly { readonly revision: number }[]): object {
  const shown = found.slice(0, MAX_RESULTS).map(({ revision, ...item }) => item);
  return { [name]: shown, ...(found.length > shown.length && { more: found.length - shown.length }) };
}

/** What people see of an item. */
function fields(item: object): Record<string, string> {
  return Object.fromEntries(Object.entries(item).filter(([key]) => key !== "id" && key !== "revision").map(([key, value]) => [key, String(value)]));
}

function article(one: string): string {
  return /^[aeiou]/.test(one) ? `an ${one}` : `a ${one}`;
}

function capital(one: string): string {
  return one.charAt(0).toUpperCase() + one.slice(1);
}
