/** Remembers in the tab that some work was begun, so that the page knows when it ended in the middle of it: a phone out of memory does that. */

import type { SafeStorage } from "./safe_storage.ts";

const BEGUN = "begun";

export class Unfinished {
  readonly #storage: SafeStorage;
  readonly #key: string;
  /** The page before this one in the tab ended during the work, and nobody left it. */
  readonly wasCutOff: boolean;

  constructor(storage: SafeStorage, key: string) {
    this.#storage = storage;
    this.#key = key;
    this.wasCutOff = storage.get(key) === BEGUN;
    this.#end();
    addEventListener("pagehide", () => this.#end()); // left or loaded again by a person
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#storage.set(this.#key, BEGUN);
    try {
      return await work();
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#storage.set(this.#key, "");
  }
}
