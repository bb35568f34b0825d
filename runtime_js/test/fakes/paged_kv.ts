/** The wasm ABI's KV manager as plain TypeScript: the same rules, written for reading. */

import { ABI_ERRORS, type WasmAbi } from "../../src/executor/abi.generated.ts";

interface FakeSequence {
  length: number;
  pages: number[];
}

export class FakePagedKv implements WasmAbi {
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  #pageSize = 1;
  #references: number[] = [];
  #sequences = new Map<number, FakeSequence>();
  #copies: number[] = [];
  #nextId = 0;

  kv_reset(pageSize: number, pages: number): number {
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
    this.#sequences.set(this.#nextId, { length: 0, pages: [] });
    return this.#nextId++;
  }

  kv_fork(id: number, length: number): number {
    const parent = this.#get(id);
    const pages = parent.pages.slice(0, Math.ceil(length / this.#pageSize));
    for (const page of pages) this.#refer(page, 1);
    this.#sequences.set(this.#nextId, { length, pages });
    return this.#nextId++;
  }

  kv_append(id: number, count: number): number {
    const sequence = this.#get(id);
    const last = sequence.pages.at(-1);
    const copiesLast = last !== undefined && count > 0 && sequence.length % this.#pageSize > 0 && (this.#references[last] ?? 0) > 1;
    const added = Math.ceil((sequence.length + count) / this.#pageSize) - sequence.pages.length;
    if (added + (copiesLast ? 1 : 0) > this.kv_available()) return ABI_ERRORS.OUT_OF_PAGES;
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

  kv_truncate(id: number, length: number): number {
    const sequence = this.#get(id);
    if (length < 0 || length > sequence.length) return ABI_ERRORS.INVALID_ARGUMENT;
    for (const page of sequence.pages.splice(Math.ceil(length / this.#pageSize))) this.#refer(page, -1);
    sequence.length = length;
    return length;
  }

  kv_slots(): number {
    return 0; // a model without
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
