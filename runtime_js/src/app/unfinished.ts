/** Remembers in the tab that some work was begun, so that the page knows when it ended in the middle of it: a phone out of memory does that. */

import type { SafeStorage } from "./safe_storage.ts";

const BEGUN = "begun";

export class Unfinished {
  readonly #storage: SafeStorage;
  readonly #key: string;
  /** The page before this one in the tab ended during the work, and nobody left it. */
  readonly wasCutOff: boolean;
  #isUnderWay = false;

  constructor(storage: SafeStorage, key: string) {
    this.#storage = storage;
    this.#key = key;
    this.wasCutOff = storage.get(key) === BEGUN;
    this.#note("");
    addEventListener("pagehide", () => this.#note("")); // left or loaded again by a person
    addEventListener("pageshow", () => this.#note(this.#isUnderWay ? BEGUN : "")); // who comes back finds the work going on
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isUnderWay = true;
    this.#note(BEGUN);
    try {
      return await work();
    } finally {
      this.#isUnderWay = false;
      this.#note("");
    }
  }

  #note(text: string): void {
    this.#storage.set(this.#key, text);
  }
}
