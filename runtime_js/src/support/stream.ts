/**
 * Values pushed at one end and taken with `for await` at the other. The producer never waits. A consumer who leaves, or calls `return`
 * at any time, cancels the production; an error comes after what was pushed before it. (A ReadableStream drops what is queued when it
 * fails, and Safari cannot iterate over it.)
 */

import { abortError, onAbort } from "./abort.ts";

type Result<T> = IteratorResult<T, undefined>;
type Ending = { readonly error?: unknown };

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class PushStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #items: T[] = [];
  readonly #cancel: () => void;
  /** Calls of `next` that wait for an item. */
  #waiting: ((result: Result<T> | Promise<Result<T>>) => void)[] = [];
  #ending: Ending | null = null;

  /** `cancel` is called when the consumer leaves before the end. */
  constructor(cancel: () => void = () => undefined) {
    this.#cancel = cancel;
  }

  push(item: T): void {
    if (this.#ending !== null) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting({ done: false, value: item });
  }

  end(): void {
    this.#finish({});
  }

  /** Ends the stream with an error, which the consumer gets once, after what was pushed before. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  #finish(ending: Ending): void {
    if (this.#ending !== null) return;
    this.#ending = ending;
    for (const waiting of this.#waiting.splice(0)) waiting(this.#takeEnding());
  }

  async #takeEnding(): Promise<Result<T>> {
    const ending = this.#ending ?? {};
    this.#ending = {};
    if ("error" in ending) throw ending.error;
    return DONE;
  }

  next(): Promise<Result<T>> {
    for (const value of this.#items.splice(0, 1)) return Promise.resolve({ done: false, value });
    if (this.#ending !== null) return this.#takeEnding();
    return new Promise((resolve) => { this.#waiting.push(resolve); });
  }

  /** Whether no more will be pushed. */
  get isOver(): boolean {
    return this.#ending !== null;
  }

  /** Asks whoever produces to end; what is pushed until then comes. */
  cancel(): void {
    if (this.#ending === null) this.#cancel();
  }

  /** Ends the stream for the consumer with an error, at once: what is queued is dropped, and the production cancelled. */
  abort(error: unknown): void {
    if (this.#ending !== null) return;
    this.#items.length = 0;
    this.#finish({ error });
    this.#cancel();
  }

  /** Aborts it when the signal does, also where it did already. Returns what ends that. */
  abortWith(signal: AbortSignal, message: string): () => void {
    const abort = (): void => this.abort(abortError(signal, message));
    if (signal.aborted) abort();
    return onAbort(signal, abort);
  }

  /** Leaves the stream, also while a `next` waits. */
  return(): Promise<Result<T>> {
    const isRunning = this.#ending === null;
    this.#items.length = 0;
    this.#ending = {};
    for (const waiting of this.#waiting.splice(0)) waiting(DONE);
    if (isRunning) this.#cancel();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
