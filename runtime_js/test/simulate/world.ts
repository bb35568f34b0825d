/** A world with a clock of its own: whoever waits in it goes on in an order, and at a time, that a seed decides. */

import { randomFrom } from "../fakes/random.ts";

interface Waiting {
  readonly place: string;
  readonly at: number;
  /** Of one line they go on in their order. */
  readonly line: object;
  readonly goOn: () => void;
}

/** Places that were passed last, for whoever reads of a fault. */
const REMEMBERED = 40;

export class World {
  /** Milliseconds. */
  now = 0;
  operations = 0;
  /** A hash of all that happened: the same for the same seed. */
  trace = 0;
  readonly latest: string[] = [];
  readonly #random: () => number;
  readonly #waiting: Waiting[] = [];
  /** How often whoever waits longest is passed over. */
  readonly #disorder: number;

  constructor(readonly seed: number) {
    this.#random = randomFrom(seed);
    this.#disorder = this.pick([0, 0, 0.1, 0.9]);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from 0 on. */
  below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  pick<T>(items: readonly T[]): T {
    for (const item of items.slice(this.below(items.length))) return item;
    throw new Error("there is nothing to pick from");
  }

  note(what: string): void {
    this.operations++;
    for (let i = 0; i < what.length; i++) this.trace = (Math.imul(this.trace, 31) + what.charCodeAt(i)) | 0;
    if (this.latest.push(what) > REMEMBERED) this.latest.shift();
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  wait(place: string, milliseconds = 0, line: object = {}): Promise<void> {
    return new Promise((goOn) => { this.#waiting.push({ place, at: this.now + milliseconds, line, goOn }); });
  }

  /** Waits, and fails as often as that. */
  async dare(place: string, probability: number, error: () => Error, milliseconds = 0): Promise<void> {
    await this.wait(place, milliseconds);
    if (!this.chance(probability)) return;
    this.note(`${place} fails`);
    throw error();
  }

  /** Lets one go on: whose time comes first, or another. */
  next(): void {
    const lines = new Set<object>();
    const heads = this.#waiting.filter(({ line }) => !lines.has(line) && lines.add(line));
    const [first, ...others] = heads;
    if (first === undefined) return;
    const next = this.chance(this.#disorder) ? this.pick(heads) : others.reduce((least, one) => (one.at < least.at ? one : least), first);
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.now = Math.max(this.now, next.at);
    this.note(next.place);
    next.goOn();
  }

  /** Until nobody does anything who need not wait; now and then less, so that two things happen at once. */
  async settle(): Promise<void> {
    if (this.chance(0.8)) return this.rest();
    for (let turns = this.below(6); turns > 0; turns--) await Promise.resolve();
  }

  rest(): Promise<void> {
    return new Promise((resolve) => { setImmediate(resolve); });
  }
}
