/** A script of its own, which comes when it is first wanted: until then what it draws is shown as it was written. */

export type Markdown = typeof import("./markdown.ts");
export type Highlight = typeof import("./highlight.ts");
export type Mathematics = typeof import("./mathematics.ts");

export class Late<Code> {
  readonly #fetch: (attempt: number) => Promise<Code>;
  /** When it is there, whoever asked for it. */
  readonly arrival: Promise<void>;
  #arrive: () => void = () => undefined;
  #code: Code | undefined;
  #coming: Promise<boolean> | undefined;
  #attempts = 0;

  /** fetch: gives the code; attempt: 0 for the first time. Browsers remember an address that failed. */
  constructor(fetch: (attempt: number) => Promise<Code>) {
    this.#fetch = fetch;
    this.arrival = new Promise((resolve) => (this.#arrive = resolve));
  }

  /** Undefined while it is not there. */
  get code(): Code | undefined {
    return this.#code;
  }

  /** Whether it is there now. What failed is tried again with the next call. */
  load(): Promise<boolean> {
    this.#coming ??= this.#fetch(this.#attempts++).then(
      (code) => {
        this.#code = code;
        this.#arrive();
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

/** What draws answers. */
export interface LateScripts {
  readonly markdown: Late<Markdown>;
  readonly highlight: Late<Highlight>;
  readonly mathematics: Late<Mathematics>;
}

/** The script at this address. */
export function lateScript<Code>(address: string): Late<Code> {
  return new Late<Code>((attempt) => import(attempt === 0 ? address : `${address}#${attempt}`));
}

/** The scripts at these addresses. */
export function lateScripts({ markdown, highlight, mathematics }: Readonly<Record<keyof LateScripts, string>>): LateScripts {
  return { markdown: lateScript(markdown), highlight: lateScript(highlight), mathematics: lateScript(mathematics) };
}
