/** Conversations in the paged KV cache. The page tables live in wasm; this knows which tokens the pages hold. */

import { MIN_SLOTS, OUT_OF_PAGES, OUT_OF_SLOTS, WINDOW_BACK, type WasmAbi } from "../executor/abi.generated.ts";
import type { CacheView, ModelRunner, PageGroup } from "../executor/runner.ts";
import { InternalError, OutOfMemoryError } from "../support/errors.ts";
import { wholeLength } from "./whole_pictures.ts";
import { PrefixTree } from "./prefix_tree.ts";

/** Sequences that are kept for the prompts to come, at most; memory is mostly the narrower bound. */
const MAX_IDLE = 64;
/** Shorter beginnings are computed again at once. */
const LONG_BEGINNING = 128;
/** Of a model with states in slots. */
const MAX_IDLE_WITH_SLOTS = 8;

/** One conversation's place in the cache. */
export class Sequence {
  /** Known tokens in the cache. The cache may hold more: steps that were submitted before their token was read. */
  readonly tokens: number[] = [];
  /** Where its tokens part from another one's, if a state there is worth keeping for whoever begins alike; else 0. */
  branch = 0;
  /** Not to be kept when it is released. */
  isForgotten = false;
  /** How often another answer has begun with its tokens. */
  taken = 0;

  /** `isLong`: computed as one that has more tokens than `longestAlike`. `limit`: tokens that it may have, being so. */
  constructor(readonly id: number, readonly isLong: boolean, readonly limit: number) {}

  /** Says which tokens the next places of the cache hold. */
  commit(tokens: readonly number[]): void {
    for (const token of tokens) this.tokens.push(token);
  }
}

export class SequenceManager {
  readonly #abi: WasmAbi;
  readonly #runner: ModelRunner;
  /** Of all sequences that a prompt may begin with, the tokens that were submitted. */
  readonly #tree = new PrefixTree<Sequence>();
  /** Nobody appends to these; what was used last comes last. */
  readonly #idle = new Set<Sequence>();
  readonly #running = new Set<Sequence>();
  readonly #mostIdle: number;
  /** Sequences that may have steps under way at a time. */
  readonly mostRunning: number;
  /** (group, source, destination): pages that the next step must copy first. */
  #copies: number[] = [];

  /** Starts the pools of pages over. */
  constructor(abi: WasmAbi, runner: ModelRunner) {
    this.#abi = abi;
    this.#runner = runner;
    const { pageSize, slots, groups } = runner.shape;
    this.#mostIdle = slots === 0 ? MAX_IDLE : Math.max(1, Math.min(MAX_IDLE_WITH_SLOTS, (slots - MIN_SLOTS) >> 1));
    this.mostRunning = slots === 0 ? Infinity : Math.max(1, slots >> 1); // a step reads one and writes another
    this.#call("kv_reset", abi.kv_reset(pageSize, slots));
    for (const { window } of groups) this.#call("kv_add_group", abi.kv_add_group(window ?? 0, 0));
  }

  /**
   * A sequence that holds a beginning of the tokens, as much as is known and can be continued from, but never all of them: the last must be
   * computed. It is `present` where nothing more is known than that one holds, and else takes its place. `count`: tokens that it will have.
   */
  acquire(tokens: readonly number[], present: Sequence | null = null, count = tokens.length): Sequence {
    const isLong = count > (this.#runner.shape.longestAlike ?? Infinity);
    let [best, length]: [Sequence | null, number] = [null, present?.tokens.length ?? 0];
    let shared = 0;
    for (const { value, length: common } of this.#tree.matches(tokens)) {
      const most = this.#whole(tokens, Math.min(common, tokens.length - 1));
      if (most <= length) break;
      if (value.isLong !== isLong) continue;
      shared = Math.max(shared, most);
      let restorable = this.#restorable(value, most);
      for (let whole = this.#whole(tokens, restorable); whole < restorable; whole = this.#whole(tokens, restorable)) restorable = this.#restorable(value, whole);
      if (restorable > length) [best, length] = [value, restorable];
    }
    if (best === null && present !== null) return present;
    const sequence = best === null ? this.#make(isLong) : this.#continue(best, length);
    if (present !== null) this.release(present);
    this.#running.add(sequence);
    const isKept = shared > length && shared >= LONG_BEGINNING && tokens.length - shared > WINDOW_BACK; // a prompt's own end is kept
    sequence.branch = isKept ? shared : 0;
    return sequence;
  }

  /** A sequence that waits is gone on with where all of it is wanted; else its pages are shared. */
  #continue(source: Sequence, length: number): Sequence {
    source.taken++;
    const isIdle = this.#idle.delete(source);
    if (isIdle && length === this.length(source)) {
      this.mark(source);
      return source;
    }
    if (isIdle) this.#idle.add(source); // used last
    const sequence = new Sequence(this.#call("kv_fork", this.#abi.kv_fork(source.id, length)), source.isLong, source.limit);
    sequence.commit(source.tokens.slice(0, length));
    this.share(sequence);
    return sequence;
  }

  /** Lets others begin with the tokens that it holds now; steps that compute them were submitted. */
  share(sequence: Sequence): void {
    if (!sequence.isForgotten) this.#tree.set(sequence, sequence.tokens);
  }

  /** Keeps, as long as memory is not short, what others need to begin with the tokens that it holds now, or to go back there. */
  mark(sequence: Sequence): void {
    this.#call("kv_mark", this.#abi.kv_mark(sequence.id));
  }

  #whole(tokens: readonly number[], length: number): number {
    return this.#runner.shape.wholePictures === true ? wholeLength(tokens, length) : length;
  }

  #restorable(sequence: Sequence, length: number): number {
    return this.#call("kv_restorable", this.#abi.kv_restorable(sequence.id, length));
  }

  /** Nobody knows what its cache holds. */
  spoil(sequence: Sequence): void {
    sequence.isForgotten = true;
    this.#tree.delete(sequence);
  }

  /** Rolls a sequence back to the tokens that are known, and keeps it for a prompt that continues it, unless another holds the same. */
  release(sequence: Sequence): void {
    this.#running.delete(sequence);
    if (sequence.isForgotten) {
      this.#free(sequence);
      return;
    }
    this.truncate(sequence, Math.min(sequence.tokens.length, this.length(sequence)));
    this.share(sequence);
    const has = (one: Sequence, { tokens, isLong }: Sequence): boolean => one.isLong === isLong && this.#restorable(one, tokens.length) === tokens.length;
    const whole = [...this.#tree.beyond(sequence)].find((other) => this.#idle.has(other) && has(other, sequence));
    if (whole !== undefined) {
      this.#free(sequence);
      this.#idle.delete(whole);
      this.#idle.add(whole);
      return;
    }
    for (const part of [...this.#tree.before(sequence)]) if (this.#idle.has(part) && has(sequence, part)) this.#free(part);
    this.#idle.add(sequence);
    if (this.#idle.size > this.#mostIdle) this.#freeOldest();
  }

  /** Forgets all conversations: those that run now are forgotten when they are released. */
  forget(): void {
    for (const sequence of [...this.#idle]) this.#free(sequence);
    for (const sequence of this.#running) this.spoil(sequence);
  }

  /** Tokens in the cache. */
  length(sequence: Sequence): number {
    return this.#call("kv_length", this.#abi.kv_length(sequence.id));
  }

  /** Makes room for `count` more tokens. Raises OutOfMemoryError; nothing has changed then. */
  async append(sequence: Sequence, count: number): Promise<void> {
    let copies = this.#abi.kv_append(sequence.id, count);
    while (copies === OUT_OF_PAGES || (copies === OUT_OF_SLOTS && this.#idle.size > 0)) {
      await this.#makeRoom(sequence, count);
      copies = this.#abi.kv_append(sequence.id, count);
    }
    this.#call("kv_append", copies);
    this.#copies.push(...this.#view(this.#abi.kv_copies(), 3 * copies));
  }

  /**
   * Where a group has too few pages, as many as one conversation takes; then less that nobody uses now; then more pages. Raises
   * OutOfMemoryError.
   */
  async #makeRoom(sequence: Sequence, count: number): Promise<void> {
    for (const [number, group] of this.#runner.shape.groups.entries()) {
      const missing = this.#call("kv_missing", this.#abi.kv_missing(sequence.id, count, number));
      if (missing === 0) continue;
      const capacity = this.#call("kv_capacity", this.#abi.kv_capacity(number));
      if (capacity < group.pages || !this.#yield(group)) await this.#grow(number, group, capacity + missing);
      return;
    }
    if (!this.#yield(null)) this.#call("kv_append", OUT_OF_PAGES); // a slot is missing, or memory for the tables
  }

  /** Gives back a state that some sequence could go back to in a group with a window, else an idle sequence. Whether there was one. */
  #yield(group: PageGroup | null): boolean {
    if (typeof group?.window === "number" && this.#abi.kv_forget_state() > 0) return true;
    if (this.#idle.size === 0) return false;
    this.#freeOldest();
    return true;
  }

  /** Makes room for `count` more tokens that are rows of one step: the sequence as each row sees it. Raises OutOfMemoryError. */
  async appendRows(sequence: Sequence, count: number): Promise<CacheView[]> {
    const rows: CacheView[] = [];
    for (let row = 0; row < count; row++) {
      await this.append(sequence, 1);
      rows.push(...this.views([sequence]));
    }
    const tables = rows.at(-1)?.tables ?? []; // earlier views may be of memory that has moved
    return rows.map((row) => ({ ...row, tables }));
  }

  /**
   * Room for up to `count` rows of one step behind the token that there is room for: the slots that each of these uses, that token's first.
   * Fewer where memory is short.
   */
  async appendGuesses(sequence: Sequence, count: number): Promise<CacheView["slots"][]> {
    const hasSlots = this.#runner.shape.slots > 0;
    const slots = [hasSlots ? this.#slots(sequence.id) : undefined];
    while (slots.length <= count) {
      try {
        await this.append(sequence, 1);
      } catch (error) {
        if (error instanceof OutOfMemoryError) break;
        throw error;
      }
      slots.push(hasSlots ? this.#slots(sequence.id) : undefined);
    }
    return slots;
  }

  /** Where the runner has no room for more pages, what nobody uses is given back. Raises OutOfMemoryError where there is nothing. */
  async #grow(number: number, group: PageGroup, pages: number): Promise<void> {
    let reserved = 0;
    try {
      reserved = await this.#runner.reservePages(number, pages);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError) || !this.#yield(group)) throw error;
      return;
    }
    this.#call("kv_grow", this.#abi.kv_grow(number, reserved));
  }

  /** The sequences as the next step sees them, which does the copies that are due. Valid until the next `append`. */
  views(sequences: readonly Sequence[]): CacheView[] {
    const due = Int32Array.from(this.#copies);
    this.#copies = [];
    return sequences.map(({ id, isLong }, row) => ({
      tables: this.#runner.shape.groups.map((_, group) => this.#view(this.#abi.kv_pages(id, group), this.#abi.kv_page_count(id))),
      copies: row === 0 ? due : new Int32Array(0),
      isLong,
      ...(this.#runner.shape.slots > 0 ? { slots: this.#slots(id) } : {}),
    }));
  }

  /** Rolls back to `length` tokens, or to fewer where the cache cannot be continued from there. */
  truncate(sequence: Sequence, length: number): void {
    const left = this.#call("kv_truncate", this.#abi.kv_truncate(sequence.id, length));
    if (left >= sequence.tokens.length) return;
    this.#tree.delete(sequence); // what it loses nobody may begin with
    sequence.tokens.length = left;
  }

  /** The tokens from `position` on are not computed, and nobody has begun with them. */
  takeBack(sequence: Sequence, position: number): void {
    if (sequence.tokens.length <= position || !(this.#running.has(sequence) || this.#idle.has(sequence))) return;
    this.truncate(sequence, position);
    this.share(sequence);
  }

  #slots(id: number): { read: number; write: number } {
    const [read = -1, write = -1] = this.#view(this.#abi.kv_slots(id), 2);
    return { read, write };
  }

  #make(isLong: boolean): Sequence {
    const { contextLength, longestAlike = Infinity } = this.#runner.shape;
    return new Sequence(this.#call("kv_new", this.#abi.kv_new()), isLong, isLong ? contextLength : Math.min(contextLength, longestAlike));
  }

  #free(sequence: Sequence): void {
    this.#idle.delete(sequence);
    this.#tree.delete(sequence);
    this.#call("kv_free", this.#abi.kv_free(sequence.id));
  }

  /** Of those that nobody uses, the one that was used longest ago. */
  #freeOldest(): void {
    for (const oldest of this.#idle) {
      this.#free(oldest);
      return;
    }
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
