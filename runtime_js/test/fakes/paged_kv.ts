/** The wasm ABI's KV manager as plain TypeScript: the same rules, written for reading. */

import { INVALID_ARGUMENT, OUT_OF_PAGES, OUT_OF_SLOTS, WINDOW_BACK, type WasmAbi } from "../../src/executor/abi.generated.ts";

interface FakeSequence {
  length: number;
  /** By group; -1 where the page was given back. */
  tables: number[][];
  /** Lengths whose windows are kept. */
  marks: number[];
  /** By rising length. */
  states: { readonly length: number; readonly slot: number; readonly count: number }[];
  stepSlots: readonly [read: number, write: number];
}

interface FakeGroup {
  /** 0: a token sees all. */
  readonly window: number;
  /** By page. */
  readonly references: number[];
}

/** States that a sequence keeps, the latest; the real one keeps more, and others too. */
const STATES_KEPT = 9;
/** The latest, too. */
const MARKS_KEPT = 4;

export class FakePagedKv implements WasmAbi {
  readonly memory = new WebAssembly.Memory({ initial: 16 });
  #pageSize = 1;
  #groups: FakeGroup[] = [];
  #slots = 0;
  #sequences = new Map<number, FakeSequence>();
  #copies: number[] = [];

  kv_reset(pageSize: number, slots: number): number {
    this.#slots = slots;
    this.#pageSize = pageSize;
    this.#groups = [];
    this.#sequences.clear();
    return 0;
  }

  kv_add_group(window: number, pages: number): number {
    return this.#groups.push({ window, references: new Array<number>(pages).fill(0) }) - 1;
  }

  kv_grow(group: number, pages: number): number {
    const references = this.#group(group).references;
    while (references.length < pages) references.push(0);
    return 0;
  }

  kv_new(): number {
    return this.#add({ length: 0, tables: this.#groups.map(() => []), marks: [], states: [], stepSlots: [-1, -1] });
  }

  /** Under the lowest id that is free. */
  #add(sequence: FakeSequence): number {
    let id = 0;
    while (this.#sequences.has(id)) id++;
    this.#sequences.set(id, sequence);
    return id;
  }

  kv_fork(id: number, length: number): number {
    const parent = this.#get(id);
    const kept = this.kv_restorable(id, length);
    const tables = parent.tables.map((table, group) => (
      table.slice(0, Math.ceil(kept / this.#pageSize)).map((page, i) => (i < this.#firstHeld(group, kept) ? -1 : page))));
    tables.forEach((table, group) => table.forEach((page) => this.#refer(group, page, 1)));
    const states = parent.states.filter((state) => state.length === kept);
    const marks = parent.marks.filter((mark) => mark === kept);
    return this.#add({ length: kept, tables, marks, states, stepSlots: [-1, -1] });
  }

  kv_missing(id: number, count: number, group: number): number {
    const sequence = this.#get(id);
    const added = Math.ceil((sequence.length + count) / this.#pageSize) - (sequence.tables[group]?.length ?? 0);
    return Math.max(0, added + (this.#isShared(sequence, group) ? 1 : 0) - this.kv_available(group));
  }

  kv_append(id: number, count: number): number {
    const sequence = this.#get(id);
    if (count === 0) return 0;
    this.#trim(sequence, sequence.length);
    if (this.#groups.some((_, group) => this.kv_missing(id, count, group) > 0)) return OUT_OF_PAGES;
    if (this.#slots > 0 && !this.#takeSlot(sequence, sequence.length + count)) return OUT_OF_SLOTS;
    this.#copies = [];
    for (const [group, table] of sequence.tables.entries()) {
      const last = table.at(-1) ?? -1;
      if (this.#isShared(sequence, group)) {
        const fresh = this.#take(group);
        this.#copies.push(group, last, fresh);
        this.#refer(group, last, -1);
        table[table.length - 1] = fresh;
      }
      while (table.length * this.#pageSize < sequence.length + count) table.push(this.#take(group));
    }
    sequence.length += count;
    return this.#copies.length / 3;
  }

  kv_copies(): number {
    new Int32Array(this.memory.buffer, 1024).set(this.#copies);
    return 1024;
  }

  kv_mark(id: number): number {
    const sequence = this.#get(id);
    if (this.#slots > 0 || this.#groups.every(({ window }) => window === 0) || sequence.marks.includes(sequence.length)) return 0;
    sequence.marks = [...sequence.marks, sequence.length].slice(-MARKS_KEPT);
    return 0;
  }

  kv_forget_state(): number {
    const [richest] = [...this.#sequences.values()].sort((a, b) => b.marks.length - a.marks.length);
    if (richest === undefined || richest.marks.length === 0) return 0;
    richest.marks.shift();
    this.#trim(richest, richest.length);
    return 1;
  }

  kv_restorable(id: number, length: number): number {
    const sequence = this.#get(id);
    if (length < 0 || length > sequence.length) return INVALID_ARGUMENT;
    if (this.#slots > 0) return sequence.states.findLast((state) => state.length <= length && this.#holds(sequence, state.length))?.length ?? 0;
    const candidates = [0, ...sequence.marks.filter((mark) => mark < length), length];
    return candidates.findLast((candidate) => this.#holds(sequence, candidate)) ?? 0;
  }

  kv_truncate(id: number, length: number): number {
    const sequence = this.#get(id);
    const kept = this.kv_restorable(id, length);
    if (kept < 0) return kept;
    for (const [group, table] of sequence.tables.entries()) {
      for (const page of table.splice(Math.ceil(kept / this.#pageSize))) this.#refer(group, page, -1);
    }
    sequence.states = sequence.states.filter((state) => state.length <= kept);
    sequence.marks = sequence.marks.filter((mark) => mark <= kept);
    sequence.length = kept;
    this.#trim(sequence, kept);
    return kept;
  }

  kv_slots(id: number): number {
    new Int32Array(this.memory.buffer, 1088).set(this.#get(id).stepSlots);
    return 1088;
  }

  kv_free(id: number): number {
    for (const [group, table] of this.#get(id).tables.entries()) for (const page of table) this.#refer(group, page, -1);
    this.#sequences.delete(id);
    return 0;
  }

  kv_length(id: number): number {
    return this.#get(id).length;
  }

  kv_pages(id: number, group: number): number {
    const pointer = 2048 + 1024 * (id % 128 + 128 * group); // a place of its own, as each sequence has
    new Int32Array(this.memory.buffer, pointer).set(this.#get(id).tables[group] ?? []);
    return pointer;
  }

  kv_page_count(id: number): number {
    return Math.ceil(this.#get(id).length / this.#pageSize);
  }

  kv_available(group: number): number {
    return this.#group(group).references.filter((count) => count === 0).length;
  }

  kv_capacity(group: number): number {
    return this.#group(group).references.length;
  }

  scratch(): number {
    return 0;
  }

  #get(id: number): FakeSequence {
    const sequence = this.#sequences.get(id);
    if (sequence === undefined) throw new Error(`unknown sequence ${id}`);
    return sequence;
  }

  #group(group: number): FakeGroup {
    const found = this.#groups[group];
    if (found === undefined) throw new Error(`unknown group ${group}`);
    return found;
  }

  /** The first page that the token at a position sees. */
  #firstSeen(group: number, position: number): number {
    const { window } = this.#group(group);
    return window === 0 ? 0 : Math.floor(Math.max(0, position - window + 1) / this.#pageSize);
  }

  #firstHeld(group: number, length: number): number {
    return this.#firstSeen(group, length - WINDOW_BACK);
  }

  #holds(sequence: FakeSequence, length: number): boolean {
    return sequence.tables.every((table, group) => !table.slice(this.#firstSeen(group, length), Math.ceil(length / this.#pageSize)).includes(-1));
  }

  /** Gives back what is seen neither from `length` on nor from a mark. */
  #trim(sequence: FakeSequence, length: number): void {
    for (const [group, table] of sequence.tables.entries()) {
      const kept = [...sequence.marks, ...sequence.states.map((state) => state.length)];
      const isKept = (i: number): boolean => kept.some((mark) => i >= this.#firstHeld(group, mark) && i < Math.ceil(mark / this.#pageSize));
      for (const [i, page] of table.entries()) {
        if (i >= this.#firstHeld(group, length) || isKept(i)) continue;
        this.#refer(group, page, -1);
        table[i] = -1;
      }
    }
  }

  /** Whether the next token goes into a page that others hold too. */
  #isShared({ length, tables }: FakeSequence, group: number): boolean {
    const last = tables[group]?.at(-1) ?? -1;
    return length % this.#pageSize > 0 && (this.#group(group).references[last] ?? 0) > 1;
  }

  /** A slot that no sequence has a state in; where there is none, those with most states give their oldest, but where one has all, and the next is of a decode step, that. */
  #takeSlot(sequence: FakeSequence, length: number): boolean {
    if (sequence.states.length >= STATES_KEPT) sequence.states.shift();
    const all = [...this.#sequences.values()];
    for (;;) {
      const taken = new Set(all.flatMap(({ states }) => states.map(({ slot }) => slot)));
      const slot = Array.from({ length: this.#slots }, (_, i) => i).find((i) => !taken.has(i));
      if (slot !== undefined) {
        sequence.stepSlots = [sequence.states.at(-1)?.slot ?? -1, slot];
        sequence.states.push({ length, slot, count: length - sequence.length });
        return true;
      }
      const [richest] = all.filter((other) => other.states.length > (other === sequence ? 1 : 2))
        .sort((a, b) => b.states.length - a.states.length);
      if (richest === undefined) return false;
      const isPrompts = richest.states.length === Math.max(3, this.#slots) && richest.states[1]?.count === 1;
      richest.states.splice(isPrompts ? 1 : 0, 1);
    }
  }

  /** The highest free page, so that page order and token order differ. */
  #take(group: number): number {
    const page = this.#group(group).references.lastIndexOf(0);
    this.#refer(group, page, 1);
    return page;
  }

  #refer(group: number, page: number, by: number): void {
    const { references } = this.#group(group);
    if (page >= 0) references[page] = (references[page] ?? 0) + by;
  }
}
