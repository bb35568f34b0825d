/** Events and notes in IndexedDB. */

import type { Event, Items, Kept, Note, Table } from "./items.ts";

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

class DatabaseTable<T extends object> implements Table<T> {
  readonly #database: IDBDatabase;
  readonly #name: string;
  readonly #changed: () => void;

  constructor(database: IDBDatabase, name: string, changed: () => void) {
    this.#database = database;
    this.#name = name;
    this.#changed = changed;
  }

  #store(mode: IDBTransactionMode = "readonly"): IDBObjectStore {
    return this.#database.transaction(this.#name, mode).objectStore(this.#name);
  }

  all(): Promise<Kept<T>[]> {
    return result(this.#store().getAll());
  }

  get(id: number): Promise<Kept<T> | undefined> {
    return result(this.#store().get(id));
  }

  async insert(item: T): Promise<Kept<T>> {
    const key = await result(this.#store("readwrite").add({ ...item, revision: 1 }));
    this.#changed();
    return { ...item, id: Number(key), revision: 1 };
  }

  async replace(kept: Kept<T>, item: T | null): Promise<boolean> {
    const { id, revision } = kept;
    const store = this.#store("readwrite");
    const found: Kept<T> | undefined = await result(store.get(id));
    if (found?.revision !== revision) return false;
    if (item === null) await result(store.delete(id));
    else await result(store.put({ ...item, id, revision: revision + 1 }));
    this.#changed();
    return true;
  }
}

/** changed: called behind each change, also of other tabs. */
export async function openDatabase(changed: () => void, name = "agent"): Promise<Items> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    for (const store of ["events", "notes"]) request.result.createObjectStore(store, { keyPath: "id", autoIncrement: true });
  };
  const database = await result(request);
  const tabs = new BroadcastChannel(name);
  tabs.onmessage = changed;
  const told = (): void => {
    tabs.postMessage("changed");
    changed();
  };
  return { events: new DatabaseTable<Event>(database, "events", told), notes: new DatabaseTable<Note>(database, "notes", told) };
}
