/** Values pushed at one end and taken with `for await` at the other. */

type Ending = { readonly error?: unknown };

export class PushStream<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ending: Ending | null = null;
  #wake: (() => void) | null = null;

  push(item: T): void {
    if (this.#ending !== null) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#finish({});
  }

  /** Ends the stream with an error, which the consumer gets after what was pushed before. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  #finish(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        yield item;
      } else if (this.#ending !== null) {
        if ("error" in this.#ending) throw this.#ending.error;
        return;
      } else {
        await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    }
  }
}
