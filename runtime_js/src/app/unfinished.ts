/** Remembers in the tab that some work was begun, so that the page knows when it ended in the middle of it: a phone out of memory does that. */

import type { Keep } from "./keep.ts";

const BEGUN = "begun";

export class Unfinished {
  readonly #keep: Keep;
  readonly #key: string;
  /** The page before this one in the tab ended during the work, and nobody left it. */
  readonly wasCutOff: boolean;

  constructor(keep: Keep, key: string) {
    this.#keep = keep;
    this.#key = key;
    this.wasCutOff = keep.get(key) === BEGUN;
    this.#end();
    addEventListener("pagehide", () => this.#end()); // left or loaded again by a person
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#keep.set(this.#key, BEGUN);
    try {
      return await work();
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#keep.set(this.#key, "");
  }
}
