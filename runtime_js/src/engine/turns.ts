/** Who has a turn, with a place in the cache, and who waits for one. */

import { OutOfMemoryError } from "../support/errors.ts";
import type { Generation } from "./generation.ts";
import { WaitingQueue } from "./queue.ts";
import type { SequenceManager } from "./sequences.ts";

export class Turns {
  readonly #sequences: SequenceManager;
  readonly #waiting = new WaitingQueue<Generation>();
  /** In the order of their turns. */
  #running: Generation[] = [];
  /** Of whose prompts all is under way, and nothing is sampled behind them. */
  #computed: Generation[] = [];
  /** Whose draws a logit processor has a part in; it keeps a state, so that others of its kind wait. */
  #stepwise: Generation | null = null;
  /** Nobody's turn comes before somebody has ended: memory is short. */
  #isShort = false;

  constructor(sequences: SequenceManager) {
    this.#sequences = sequences;
  }

  /** Those that have a turn, in the order in which they got it, with those that ended since the last `retire`. */
  get running(): readonly Generation[] {
    return this.#running;
  }

  /** Whether anybody is answered, or may be. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || [...this.#running, ...this.#computed].some(({ isEnded }) => !isEnded);
  }

  /** Raises QueueFullError where too many wait. */
  add(generation: Generation): void {
    this.#waiting.add(generation);
  }

  /** Before all others, in their order; of those with a logit processor first the one that its state is of. */
  adopt(generations: readonly Generation[]): void {
    this.#stepwise = generations.find(({ hasBegun, request }) => hasBegun && request.sampler.isStepwise) ?? null;
    for (const generation of generations.toReversed()) this.#waiting.putBack(generation);
  }

  /** Ends all with "abort", what runs and what waits. */
  interrupt(): void {
    for (const generation of [...this.#running, ...this.#computed, ...this.#waiting.drain()]) generation.end("abort");
  }

  /** Ends what runs with "abort", and fails what waits. */
  close(error: Error): void {
    for (const generation of [...this.#running, ...this.#computed]) generation.end("abort");
    for (const generation of this.#waiting.drain()) generation.fail(error);
  }

  /** Those that are not done, who begin again elsewhere; nobody has a turn then, or waits. */
  leave(): readonly Generation[] {
    const left = [...this.#computed.splice(0), ...this.#running.splice(0), ...this.#waiting.drain()].filter(({ isEnded }) => !isEnded);
    for (const generation of left) generation.restart();
    return left;
  }

  /**
   * Gives back the sequences of what has ended. Steps still in flight write to pages that are free now; what takes such a page next is
   * submitted behind them.
   */
  retire(): void {
    this.#computed = this.#computed.filter(({ isEnded }) => !isEnded);
    const ended = this.#running.filter(({ isEnded }) => isEnded);
    if (ended.length === 0) return;
    this.#isShort = false;
    this.#running = this.#running.filter(({ isEnded }) => !isEnded);
    for (const generation of ended) this.#giveBack(generation);
  }

  /** Its turn is over, and its place in the cache free, before what was submitted for it is read. */
  complete(generation: Generation): void {
    this.#isShort = false;
    this.#running = this.#running.filter((one) => one !== generation);
    this.#computed.push(generation);
    this.#giveBack(generation);
  }

  /** Goes on beyond the context, from the beginning and the newest part; and where longer sequences are computed otherwise, from the beginning. */
  shift(): void {
    for (const generation of this.#running) {
      if (generation.isFull || generation.isOutgrown) this.#giveBack(generation);
      if (generation.isFull) generation.shift();
    }
  }

  /** Gives turns while fewer than so many run. */
  admit(rows: number): void {
    while (this.#running.length < rows && !(this.#isShort && this.#running.length > 0)) {
      const next = this.#waiting.take((one) => !one.request.sampler.isStepwise || one === this.#stepwise || this.#stepwise?.isEnded !== false);
      if (next === undefined) break;
      if (next.isEnded) continue;
      if (next.request.sampler.isStepwise) this.#stepwise = next;
      const taken = new Set(this.#running.map(({ control }) => control));
      for (next.control = 0; taken.has(next.control);) next.control++;
      this.#running.push(next);
      next.begin();
    }
  }

  /**
   * Room for `count` more tokens. Where there is none, whoever had the latest turn goes back to those that wait, to be computed again from
   * what is left of it then. Returns whether there is room. Raises OutOfMemoryError where nobody else runs.
   */
  async makeRoom(generation: Generation, count: number): Promise<boolean> {
    while (generation.sequence !== null) {
      const missing = generation.position + count - this.#sequences.length(generation.sequence);
      try {
        if (missing > 0) await this.#sequences.append(generation.sequence, missing);
        return true;
      } catch (error) {
        const others = this.#running.filter(({ isEnded, sequence }) => !isEnded && sequence !== null);
        const latest = others.findLast(({ priority }) => priority === Math.min(...others.map((other) => other.priority)));
        if (!(error instanceof OutOfMemoryError) || others.length === 1 || latest === undefined) throw error;
        this.#isShort = true;
        this.#running = this.#running.filter((other) => other !== latest);
        this.#giveBack(latest);
        this.#waiting.putBack(latest);
      }
    }
    return false;
  }

  /**
   * Behind a step that failed nobody knows what the cache holds: others may have begun with its tokens, or have pages that it was to copy.
   * `underWay`: whose steps are under way; they may have lost their turns.
   */
  beginAgain(underWay: readonly Generation[]): void {
    this.#sequences.forget();
    for (const generation of new Set([...this.#running, ...this.#computed, ...underWay])) {
      this.#giveBack(generation);
      if (!generation.isEnded) generation.restart();
    }
    for (const generation of this.#computed.splice(0).toReversed()) this.#waiting.putBack(generation);
  }

  #giveBack(generation: Generation): void {
    if (generation.sequence !== null) this.#sequences.release(generation.sequence);
    generation.sequence = null;
    if (generation.read === 0) generation.cached = 0;
  }
}
