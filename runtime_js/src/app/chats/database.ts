/** Where chats are kept: an IndexedDB database of this site, which outlives pages and updates. */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { isRecord, type Fields } from "../../support/fields.ts";
import { owed } from "../../support/patience.ts";
import { MAX_CHATS, MAX_MESSAGES, fieldsOf, readMessage, readRecord, type Chat, type ChatMessage, type ChatRecord } from "./record.ts";

/**
 * Of the schema. A newer one only adds: a page finds what older ones wrote, and one that is older than the database refuses to open it and leaves it alone.
 */
const VERSION = 1;
const RETRY_MS = 60_000;

/** A message by its chat and its id, so that no chat can touch the messages of another. */
type MessageKey = [chat: string, id: string];

interface Schema extends DBSchema {
  chats: { key: string; value: unknown };
  messages: { key: MessageKey; value: unknown };
}

/** What is to be written. */
export interface Changes {
  /** A record with an id is whole; others are changes of one that is there. Undefined: deleted, a chat with all of its messages. */
  readonly records: ReadonlyMap<string, Partial<ChatRecord> | undefined>;
  /** By chat. */
  readonly messages: ReadonlyMap<string, readonly ChatMessage[]>;
}

export const isWhole = (record: Partial<ChatRecord>): record is ChatRecord => record.id !== undefined;

const messagesOf = (chat: string): IDBKeyRange => IDBKeyRange.bound([chat], [chat, []]);

/** Of each value that can be read; another build's that cannot stays where it is. */
function readable<T>(values: readonly unknown[], read: (fields: Fields) => T): T[] {
  return values.flatMap((value) => {
    try {
      return [read(fieldsOf(value, "stored"))];
    } catch {
      return [];
    }
  });
}

export class Database {
  readonly #name: string;
  #opening: Promise<IDBPDatabase<Schema>> | undefined;
  #open: IDBPDatabase<Schema> | undefined;
  /** By a clock that nobody sets. */
  #retryAt: number | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  async records(): Promise<ChatRecord[]> {
    return readable(await (await this.#opened()).getAll("chats", undefined, MAX_CHATS), readRecord);
  }

  /** Undefined where there is none. */
  async read(id: string): Promise<Chat | undefined> {
    const stores = (await this.#opened()).transaction(["chats", "messages"]);
    const [record, messages] = await Promise.all([stores.objectStore("chats").get(id), stores.objectStore("messages").getAll(messagesOf(id), MAX_MESSAGES)]);
    const [known] = readable(record === undefined ? [] : [record], readRecord);
    return known && { record: known, messages: readable(messages, readMessage) };
  }

  /**
   * Rejects with what the browser says. What another build knows of a record and this one does not stays.
   * Once the database is open the messages are on their way when this returns: a page that is being closed gets no further.
   */
  async write({ records, messages }: Changes): Promise<void> {
    const database = this.#open ?? await this.#opened();
    const all = database.transaction(["chats", "messages"], "readwrite");
    const work = [...records].flatMap(([id, record]) => (record !== undefined && isWhole(record) ? [all.objectStore("chats").put(record, id)] : []));
    const said = [...messages].flatMap(([chat, some]) => some.map((message) => all.objectStore("messages").put({ ...message, chat }, [chat, message.id])));
    all.commit();
    await Promise.all([...work, ...said, all.done]);
    await this.#change(database, records, messages);
  }

  /** A chat that another tab has deleted for good stays deleted, with what was written of it. */
  async #change(database: IDBPDatabase<Schema>, records: Changes["records"], messages: Changes["messages"]): Promise<void> {
    const changes = [...records].filter(([, record]) => record === undefined || !isWhole(record));
    const untold = [...messages.keys()].filter((id) => !records.has(id)).map((id) => [id, {}] as const);
    if (changes.length + untold.length === 0) return;
    const all = database.transaction(["chats", "messages"], "readwrite");
    const chats = all.objectStore("chats");
    const work = [...changes, ...untold].map(async ([id, record]) => {
      const former = record === undefined ? undefined : await chats.get(id);
      if (isRecord(former)) await chats.put({ ...former, ...record }, id);
      else await Promise.all([chats.delete(id), all.objectStore("messages").delete(messagesOf(id))]);
    });
    await Promise.all([...work, all.done]);
  }

  /** What was refused is not asked for again with every word. */
  async #opened(): Promise<IDBPDatabase<Schema>> {
    if (this.#retryAt !== undefined && performance.now() >= this.#retryAt) this.#close();
    this.#opening ??= openDB<Schema>(this.#name, VERSION, {
      upgrade(database) {
        for (const store of ["chats", "messages"] as const) if (!database.objectStoreNames.contains(store)) database.createObjectStore(store);
      },
      blocking: () => this.#close(), // a newer build in another tab wants to open it
      terminated: () => this.#close(),
    });
    try {
      return this.#open = await owed("the storage of chats", this.#opening);
    } catch (error) {
      this.#retryAt = performance.now() + RETRY_MS;
      throw error;
    }
  }

  #close(): void {
    this.#open?.close();
    this.#open = this.#opening = this.#retryAt = undefined;
  }
}
