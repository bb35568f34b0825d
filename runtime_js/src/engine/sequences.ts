/** Conversations in the paged KV cache. The page tables live in wasm; this knows which tokens the pages hold. */

import { MIN_SLOTS, OUT_OF_PAGES, OUT_OF_SLOTS, type WasmAbi } from "../executor/abi.generated.ts";
import type { CacheView, ModelRunner } from "../executor/runner.ts";
import { InternalError, OutOfMemoryError } from "../support/errors.ts";

/** Sequences that are kept for the prompts to come, at most. */
const MAX_IDLE = 8;

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const difference = a.findIndex((token, i) => token !== b[i]);
  return difference < 0 ? a.length : difference;
}

/** One conversation's place in the cache. */
export class Sequence {
  /** Known tokens in the cache. The cache may hold more: steps that were submitted before their token was read. */
  readonly tokens: number[] = [];
  /** Not to be kept when it is released. */
  isForgotten = false;

  constructor(readonly id: number) {}

  /** Says which tokens the next places of the cache hold. */
  commit(tokens: readonly number[]): void {
    for (const token of tokens) this.tokens.push(token);
  }
}

export class SequenceManager {
  readonly #abi: WasmAbi;
  readonly #runner: ModelRunner;
  /** Nobody appends to these; what was used last comes last. */
  readonly #idle: Sequence[] = [];
  readonly #running = new Set<Sequence>();
  readonly #mostIdle: number;
  /** (source, destination) pages that the next step must copy first. */
  #copies: number[] = [];

  /** Starts the page pool over, with the pages that the runner has room for. */
  constructor(abi: WasmAbi, runner: ModelRunner, pages: number) {
    this.#abi = abi;
    this.#runner = runner;
    const { pageSize, slots } = runner.shape;
    this.#mostIdle = slots === 0 ? MAX_IDLE : Math.max(1, Math.min(MAX_IDLE, slots - MIN_SLOTS + 1));
    this.#call("kv_reset", abi.kv_reset(pageSize, pages, slots));
  }

  /**
   * A sequence that holds a beginning of the prompt, as much as can be continued from, but never all of it: the last token must be computed.
   * It continues an idle sequence, or shares that one's pages where continuing would throw away the larger part.
   */
  acquire(prompt: readonly number[]): Sequence {
    const shared = ({ id, tokens }: Sequence): number =>
      this.#call("kv_restorable", this.#abi.kv_restorable(id, Math.max(0, Math.min(commonPrefix(tokens, prompt), prompt.length - 1))));
    let [best, length]: [Sequence | undefined, number] = [undefined, 0];
    for (const sequence of this.#idle.toReversed()) {
      const found = shared(sequence);
      if (best === undefined || found > length) [best, length] = [sequence, found];
    }
    const sequence = best === undefined || length === 0 ? this.#make()
      : 2 * length >= best.tokens.length ? this.#take(best) : this.#fork(best, length);
    this.truncate(sequence, Math.min(length, this.length(sequence)));
    this.#running.add(sequence);
    return sequence;
  }

  /** Rolls a sequence back to the tokens that are known, and keeps it for a prompt that continues it. */
  release(sequence: Sequence): void {
    this.#running.delete(sequence);
    if (sequence.isForgotten) {
      this.#free(sequence);
      return;
    }
    this.truncate(sequence, Math.min(sequence.tokens.length, this.length(sequence)));
    this.#idle.push(sequence);
    if (this.#idle.length > this.#mostIdle) this.#free(this.#idle.shift());
  }

  /** Forgets all conversations: those that run now are forgotten when they are released. */
  forget(): void {
    for (const sequence of this.#idle.splice(0)) this.#free(sequence);
    for (const sequence of this.#running) sequence.isForgotten = true;
  }

  /** Tokens in the cache. */
  length(sequence: Sequence): number {
    return this.#call("kv_length", this.#abi.kv_length(sequence.id));
  }

  /** Makes room for `count` more tokens. Raises OutOfMemoryError; nothing has changed then. */
  async append(sequence: Sequence, count: number): Promise<void> {
    const { contextLength, pageSize } = this.#runner.shape;
    let copies = this.#abi.kv_append(sequence.id, count);
    while (copies === OUT_OF_PAGES || (copies === OUT_OF_SLOTS && this.#idle.length > 0)) {
      const capacity = this.#abi.kv_capacity();
      const isFull = copies === OUT_OF_SLOTS || capacity >= Math.ceil(contextLength / pageSize);
      if (isFull && this.#idle.length > 0) {
        this.#free(this.#idle.shift()); // it was idle longest
      } else {
        const pages = Math.ceil((this.length(sequence) + count) / pageSize);
        const missing = Math.max(1, pages - this.#abi.kv_page_count(sequence.id) - this.#abi.kv_available());
        await this.#grow(capacity + missing);
      }
      copies = this.#abi.kv_append(sequence.id, count);
    }
    this.#call("kv_append", copies);
    this.#copies.push(...this.#view(this.#abi.kv_copies(), 2 * copies));
  }

  /** Makes room for `count` more tokens that are rows of one step: the sequence as each row sees it. Raises OutOfMemoryError. */
  async appendRows(sequence: Sequence, count: number): Promise<CacheView[]> {
    const rows: CacheView[] = [];
    for (let row = 0; row < count; row++) {
      await this.append(sequence, 1);
      rows.push(...this.views([sequence]));
    }
    const pages = rows.at(-1)?.pages ?? new Int32Array(0); // earlier views may be of memory that has moved
    return rows.map((row) => ({ ...row, pages }));
  }

  /** Where the runner has no room for more pages, one idle sequence less. Raises OutOfMemoryError where there is none. */
  async #grow(pages: number): Promise<void> {
    let reserved = 0;
    try {
      reserved = await this.#runner.reservePages(pages);
    } catch (error) {
      const oldest = this.#idle.shift();
      if (oldest === undefined || !(error instanceof OutOfMemoryError)) throw error;
      this.#free(oldest);
      return;
    }
    this.#call("kv_grow", this.#abi.kv_grow(reserved));
  }

  /** The sequences as the next step sees them, which does the copies that are due. Valid until the next `append`. */
  views(sequences: readonly Sequence[]): CacheView[] {
    const due = Int32Array.from(this.#copies);
    this.#copies = [];
    return sequences.map(({ id }, row) => ({
      pages: this.#view(this.#abi.kv_pages(id), this.#abi.kv_page_count(id)),
      copies: row === 0 ? due : new Int32Array(0),
      ...(this.#runner.shape.slots > 0 ? { slots: this.#slots(id) } : {}),
    }));
  }

  /** Rolls back to `length` tokens, or to fewer where the cache cannot be continued from there. */
  truncate(sequence: Sequence, length: number): void {
    this.#call("kv_truncate", this.#abi.kv_truncate(sequence.id, length));
    sequence.tokens.length = Math.min(sequence.tokens.length, this.length(sequence));
  }

  #slots(id: number): { read: number; write: number } {
    const [read = -1, write = -1] = this.#view(this.#abi.kv_slots(id), 2);
    return { read, write };
  }

  #make(): Sequence {
    return new Sequence(this.#call("kv_new", this.#abi.kv_new()));
  }

  #take(sequence: Sequence): Sequence {
    this.#idle.splice(this.#idle.indexOf(sequence), 1);
    return sequence;
  }

  #fork(parent: Sequence, length: number): Sequence {
    const sequence = new Sequence(this.#call("kv_fork", this.#abi.kv_fork(parent.id, length)));
    sequence.commit(parent.tokens.slice(0, this.length(sequence)));
    return sequence;
  }

  #free(sequence: Sequence | undefined): void {
    if (sequence !== undefined) this.#call("kv_free", this.#abi.kv_free(sequence.id));
  }

  #view(pointer: number, words: number): Int32Array {
    return new Int32Array(this.#abi.memory.buffer, pointer, words);
  }

  #call(name: string, result: number): number {
    if (result === OUT_OF_PAGES) throw new OutOfMemoryError("The KV cache has no room for more tokens. Start a new chat.");
    if (result === OUT_OF_SLOTS) throw new OutOfMemoryError("The model has no room for the states of so many answers at once.");
    if (result < 0) throw new InternalError(`${name} answered ${result}`);
    return result;
  }
}
