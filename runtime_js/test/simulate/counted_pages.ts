/** A sequence manager whose every page is counted: what sequences hold is what is not free, and what ends gives all back. */

import assert from "node:assert/strict";
import type { WasmAbi } from "../../src/executor/abi.generated.ts";

export class CountedPages {
  readonly abi: WasmAbi;
  readonly #alive = new Set<number>();

  constructor(readonly inner: WasmAbi, readonly groups: number) {
    const born = (id: number): number => {
      if (id >= 0) assert.ok(!this.#alive.has(id) && this.#alive.add(id), `sequence ${id} is made twice`);
      return id;
    };
    this.abi = {
      ...methodsOf(inner),
      kv_new: () => born(inner.kv_new()),
      kv_fork: (id, length) => born(inner.kv_fork(id, length)),
      kv_free: (id) => {
        assert.ok(this.#alive.delete(id), `sequence ${id} is freed twice`);
        return inner.kv_free(id);
      },
    };
  }

  get sequences(): number {
    return this.#alive.size;
  }

  check(): void {
    for (let group = 0; group < this.groups; group++) {
      const capacity = this.inner.kv_capacity(group);
      const held = new Set<number>();
      for (const id of this.#alive) {
        const table = new Int32Array(this.inner.memory.buffer, this.inner.kv_pages(id, group), this.inner.kv_page_count(id));
        const own = new Set<number>();
        for (const page of table) {
          if (page === -1) continue;
          assert.ok(page >= 0 && page < capacity && !own.has(page), `sequence ${id} holds page ${page} of ${capacity} in group ${group}`);
          own.add(page);
          held.add(page);
        }
      }
      assert.equal(held.size + this.inner.kv_available(group), capacity, `pages of group ${group}`);
    }
  }
}

/** An instance's exports, or an object of a class. */
function methodsOf(abi: WasmAbi): WasmAbi {
  return {
    memory: abi.memory,
    kv_reset: (...given) => abi.kv_reset(...given), kv_add_group: (...given) => abi.kv_add_group(...given), kv_grow: (...given) => abi.kv_grow(...given),
    kv_new: () => abi.kv_new(), kv_fork: (...given) => abi.kv_fork(...given), kv_append: (...given) => abi.kv_append(...given),
    kv_missing: (...given) => abi.kv_missing(...given), kv_copies: () => abi.kv_copies(), kv_slots: (id) => abi.kv_slots(id), kv_mark: (id) => abi.kv_mark(id),
    kv_forget_state: () => abi.kv_forget_state(), kv_restorable: (...given) => abi.kv_restorable(...given), kv_truncate: (...given) => abi.kv_truncate(...given),
    kv_free: (id) => abi.kv_free(id), kv_length: (id) => abi.kv_length(id), kv_pages: (...given) => abi.kv_pages(...given),
    kv_page_count: (id) => abi.kv_page_count(id), kv_available: (group) => abi.kv_available(group), kv_capacity: (group) => abi.kv_capacity(group),
    scratch: (bytes) => abi.scratch(bytes),
  };
}
