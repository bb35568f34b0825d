import type { Kept, Table } from "../src/items.ts";

/** What the database does, in memory. */
export class MemoryTable<T extends object> implements Table<T> {
  readonly #items = new Map<number, Kept<T>>();
  #last = 0;

  async all(): Promise<Kept<T>[]> {
    return [...this.#items.values()];
  }

  async get(id: number): Promise<Kept<T> | undefined> {
    return this.#items.get(id);
  }

  async insert(item: T): Promise<Kept<T>> {
    const kept = { ...item, id: ++this.#last, revision: 1 };
    this.#items.set(kept.id, kept);
    return kept;
  }

  async replace({ id, revision }: Kept<T>, item: T | null): Promise<boolean> {
    if (this.#items.get(id)?.revision !== revision) return false;
    if (item === null) this.#items.delete(id);
    else this.#items.set(id, { ...item, id, revision: revision + 1 });
    return true;
  }
}
