/** The places that a model's files come from: one that has failed is asked last, as long as the model is open. */

import { folderOf } from "./folders.ts";
import type { Urls } from "./source.ts";

export class Places {
  readonly #failed = new Set<string>();

  /** The addresses of a file, those in places that have failed last. */
  order(urls: Urls): Urls {
    const [first, ...others] = [...urls].sort((a, b) => Number(this.#failed.has(folderOf(a))) - Number(this.#failed.has(folderOf(b))));
    return first === undefined ? urls : [first, ...others];
  }

  /** Another address had to be asked than this one. */
  failed(url: string): void {
    this.#failed.add(folderOf(url));
  }
}
