/** What draws Markdown is a script of its own, which comes when it is first wanted: until then texts are shown as they were written. */

export type Markdown = typeof import("./markdown.ts");

export class LateMarkdown {
  readonly #fetch: (attempt: number) => Promise<Markdown>;
  #code: Markdown | undefined;
  #coming: Promise<boolean> | undefined;
  #attempts = 0;

  /** fetch: gives the code; attempt: 0 for the first time. Browsers remember an address that failed. */
  constructor(fetch: (attempt: number) => Promise<Markdown>) {
    this.#fetch = fetch;
  }

  /** Undefined while it is not there. */
  get code(): Markdown | undefined {
    return this.#code;
  }

  /** Whether it is there now. What failed is tried again with the next call. */
  load(): Promise<boolean> {
    this.#coming ??= this.#fetch(this.#attempts++).then(
      (code) => {
        this.#code = code;
        return true;
      },
      () => {
        this.#coming = undefined;
        return false;
      },
    );
    return this.#coming;
  }
}
