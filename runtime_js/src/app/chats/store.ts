/**
 * The chats of this browser. What is changed counts at once and is written as soon as it can be: where the browser keeps nothing, or has no room,
 * the page goes on with what it remembers, and tries again. Other tabs hear of what was written.
 */

import { isWhole, type Database } from "./database.ts";
import type { Chat, ChatMessage, ChatRecord } from "./record.ts";

/** The part of a BroadcastChannel that is used. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/** Called with the id of a chat that was changed; byOther: in another tab. */
export type Follower = (id: string, byOther: boolean) => void;

/** Called with what keeps the browser from giving what it keeps, or from keeping more. */
export type Refused = (error: unknown, doing: "read" | "write") => void;

/** Until then a chat that was thrown away can be taken back. */
export const UNDO_MS = 15_000;

export class ChatStore {
  readonly #database: Database;
  readonly #channel: Channel | undefined;
  readonly #onRefused: Refused;
  readonly #listeners = new Set<Follower>();
  /** What is not written yet. */
  readonly #records = new Map<string, Partial<ChatRecord> | undefined>();
  readonly #messages = new Map<string, Map<string, ChatMessage>>();

  /** Writes. */
  #underWay = 0;

  constructor(database: Database, channel: Channel | undefined, onRefused: Refused) {
    this.#database = database;
    this.#channel = channel;
    this.#onRefused = onRefused;
    channel?.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#tell(data, true);
    });
  }

  follow(onChange: Follower): void {
    this.#listeners.add(onChange);
  }

  /** All, also those that were thrown away a moment ago. */
  async records(): Promise<ChatRecord[]> {
    const stored = await this.#try("read", () => this.#database.records()) ?? [];
    const all = new Map(stored.map((record) => [record.id, record]));
    for (const [id, changes] of this.#records) {
      const record = changed(all.get(id), changes);
      if (record === undefined) all.delete(id);
      else all.set(id, record);
    }
    return [...all.values()];
  }

  /** Undefined where there is none, or was. */
  async read(id: string): Promise<Chat | undefined> {
    const stored = await this.#try("read", () => this.#database.read(id));
    const record = this.#records.has(id) ? changed(stored?.record, this.#records.get(id)) : stored?.record;
    if (record === undefined) return undefined;
    const messages = new Map(stored?.messages.map((message) => [message.id, message]));
    for (const [key, message] of this.#messages.get(id) ?? []) messages.set(key, message);
    return { record, messages: [...messages.values()] };
  }

  /** Change fields of a chat, or set them all, and add or replace messages. */
  put(id: string, record: Partial<ChatRecord>, messages: readonly ChatMessage[] = []): void {
    if (this.#records.has(id) && this.#records.get(id) === undefined && !isWhole(record)) return; // it was deleted
    this.#records.set(id, { ...this.#records.get(id), ...record });
    const waiting = this.#messages.get(id) ?? new Map<string, ChatMessage>();
    for (const message of messages) waiting.set(message.id, message);
    if (waiting.size > 0) this.#messages.set(id, waiting);
    void this.save();
  }

  /** Whether all is written. */
  get isSaved(): boolean {
    return this.#records.size + this.#messages.size === 0;
  }

  /** Delete for good what was thrown away and can be taken back no more. */
  async purge(): Promise<void> {
    for (const { id, deleted } of await this.records()) {
      if (deleted !== undefined && Math.abs(Date.now() - deleted) >= UNDO_MS) this.remove(id);
    }
  }

  /** Delete a chat for good. */
  remove(id: string): void {
    this.#records.set(id, undefined);
    this.#messages.delete(id);
    void this.save();
  }

  /** Write what was refused. */
  retry(): void {
    if (this.#underWay === 0) void this.save();
  }

  /** Write what is not written. Resolves when that is done, or was refused. */
  async save(): Promise<void> {
    if (this.isSaved) return;
    const records = new Map(this.#records);
    const messages = new Map([...this.#messages].map(([chat, waiting]) => [chat, [...waiting.values()]]));
    this.#underWay += 1;
    const written = await this.#try("write", async () => {
      await this.#database.write({ records, messages });
      return true;
    });
    this.#underWay -= 1;
    if (written !== true) return;
    for (const [id, record] of records) if (this.#records.get(id) === record) this.#records.delete(id);
    for (const [chat, some] of messages) {
      const waiting = this.#messages.get(chat);
      for (const message of some) if (waiting?.get(message.id) === message) waiting.delete(message.id);
      if (waiting?.size === 0) this.#messages.delete(chat);
    }
    for (const id of new Set([...records.keys(), ...messages.keys()])) {
      this.#channel?.postMessage(id);
      this.#tell(id, false);
    }
  }

  async #try<T>(doing: Parameters<Refused>[1], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#onRefused(error, doing);
      return undefined;
    }
  }

  #tell(id: string, byOther: boolean): void {
    for (const listener of this.#listeners) listener(id, byOther);
  }
}

function changed(former: ChatRecord | undefined, changes: Partial<ChatRecord> | undefined): ChatRecord | undefined {
  if (changes === undefined) return undefined;
  return isWhole(changes) ? changes : former && { ...former, ...changes };
}
