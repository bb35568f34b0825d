/** The wasm ABI's KV manager as plain TypeScript: the same rules, written for reading. */

import { INVALID_ARGUMENT, OUT_OF_PAGES, OUT_OF_SLOTS, type WasmAbi } from "../../src/executor/abi.generated.ts";

interface FakeSequence {
  length: number;
  pages: number[];
  /** By rising length. */
  states: { readonly length: number; readonly slot: number }[];
  stepSlots: readonly [read: number, write: number];
}

/** States that a sequence keeps, the latest; the real one keeps more, and others too. */
const STATES_KEPT = 9;

export class FakePagedKv implements WasmAbi {
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  #pageSize = 1;
  #references: number[] = [];
  #slots = 0;
  #sequences = new Map<number, FakeSequence>();
  #copies: number[] = [];
  #nextId = 0;

  kv_reset(pageSize: number, pages: number, slots: number): number {
    this.#slots = slots;
    this.#pageSize = pageSize;
    this.#references = new Array<number>(pages).fill(0);
    this.#sequences.clear();
    return 0;
  }

  kv_grow(pages: number): number {
    while (this.#references.length < pages) this.#references.push(0);
    return 0;
  }

  kv_new(): number {
    this.#sequences.set(this.#nextId, { length: 0, pages: [], states: [], stepSlots: [-1, -1] });
    return this.#nextId++;
  }

  kv_fork(id: number, length: number): number {
    const parent = this.#get(id);
    const kept = this.kv_restorable(id, length);
    const pages = parent.pages.slice(0, Math.ceil(kept / this.#pageSize));
    for (const page of pages) this.#refer(page, 1);
    const states = parent.states.filter((state) => state.length === kept);
    this.#sequences.set(this.#nextId, { length: kept, pages, states, stepSlots: [-1, -1] });
    return this.#nextId++;
  }

  kv_append(id: number, count: number): number {
    const sequence = this.#get(id);
    const last = sequence.pages.at(-1);
    const copiesLast = last !== undefined && count > 0 && sequence.length % this.#pageSize > 0 && (this.#references[last] ?? 0) > 1;
    const added = Math.ceil((sequence.length + count) / this.#pageSize) - sequence.pages.length;
    if (added + (copiesLast ? 1 : 0) > this.kv_available()) return OUT_OF_PAGES;
    if (this.#slots > 0 && count > 0 && !this.#takeSlot(sequence, sequence.length + count)) return OUT_OF_SLOTS;
    this.#copies = [];
    if (copiesLast) {
      const fresh = this.#take();
      this.#copies = [last, fresh];
      this.#refer(last, -1);
      sequence.pages[sequence.pages.length - 1] = fresh;
    }
    for (let i = 0; i < added; i++) sequence.pages.push(this.#take());
    sequence.length += count;
    return this.#copies.length / 2;
  }

  kv_copies(): number {
    new Int32Array(this.memory.buffer, 1024).set(this.#copies);
    return 1024;
  }

  kv_restorable(id: number, length: number): number {
    const sequence = this.#get(id);
    if (length < 0 || length > sequence.length) return INVALID_ARGUMENT;
    return this.#slots === 0 ? length : sequence.states.findLast((state) => state.length <= length)?.length ?? 0;
  }

  kv_truncate(id: number, length: number): number {
    const sequence = this.#get(id);
    const kept = this.kv_restorable(id, length);
    if (kept < 0) return kept;
    for (const page of sequence.pages.splice(Math.ceil(kept / this.#pageSize))) this.#refer(page, -1);
    sequence.states = sequence.states.filter((state) => state.length <= kept);
    sequence.length = kept;
    return kept;
  }

  kv_slots(id: number): number {
    new Int32Array(this.memory.buffer, 1032).set(this.#get(id).stepSlots);
    return 1032;
  }

  kv_free(id: number): number {
    this.kv_truncate(id, 0);
    this.#sequences.delete(id);
    return 0;
  }

  kv_length(id: number): number {
    return this.#get(id).length;
  }

  kv_pages(id: number): number {
    const pointer = 2048 + 1024 * (id % 32); // a place of its own, as each sequence has
    new Int32Array(this.memory.buffer, pointer).set(this.#get(id).pages);
    return pointer;
  }

  kv_page_count(id: number): number {
    return this.#get(id).pages.length;
  }

  kv_available(): number {
    return this.#references.filter((count) => count === 0).length;
  }

  kv_capacity(): number {
    return this.#references.length;
  }

  scratch(): number {
    return 0;
  }

  #get(id: number): FakeSequence {
    const sequence = this.#sequences.get(id);
    if (sequence === undefined) throw new Error(`unknown sequence ${id}`);
    return sequence;
  }

  /** A slot that no sequence has a state in; where there is none, those with most states give their oldest. */
  #takeSlot(sequence: FakeSequence, length: number): boolean {
    if (sequence.states.length >= STATES_KEPT) sequence.states.shift();
    const all = [...this.#sequences.values()];
    for (;;) {
      const taken = new Set(all.flatMap(({ states }) => states.map(({ slot }) => slot)));
      const slot = Array.from({ length: this.#slots }, (_, i) => i).find((i) => !taken.has(i));
      if (slot !== undefined) {
        sequence.stepSlots = [sequence.states.at(-1)?.slot ?? -1, slot];
        sequence.states.push({ length, slot });
        return true;
      }
      const [richest] = all.filter((other) => other.states.length > (other === sequence ? 1 : 2))
        .sort((a, b) => b.states.length - a.states.length);
      if (richest === undefined) return false;
      richest.states.shift();
    }
  }

  /** The highest free page, so that page order and token order differ. */
  #take(): number {
    const page = this.#references.lastIndexOf(0);
    this.#refer(page, 1);
    return page;
  }

  #refer(page: number, by: number): void {
    this.#references[page] = (this.#references[page] ?? 0) + by;
  }
}
