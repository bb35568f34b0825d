/** Who waits for a turn, and whose is next. */

import { QueueFullError } from "../support/errors.ts";

/** More would only wait for minutes, and hold their prompts in memory. */
export const MAX_WAITING = 256;
/** The lowest is 0. */
export const MAX_PRIORITY = 9;

/** Of so many turns one goes to whoever waits longest, whatever its priority. */
const TURNS = 4;

export class WaitingQueue<T extends { readonly priority: number; readonly isEnded: boolean }> {
  #items: T[] = [];
  #turn = 0;

  get length(): number {
    return this.#items.length;
  }

  /** Raises QueueFullError. */
  add(item: T): void {
    if (this.#items.length >= MAX_WAITING) this.#items = this.#items.filter(({ isEnded }) => !isEnded);
    if (this.#items.length >= MAX_WAITING) {
      throw new QueueFullError(
        `${MAX_WAITING} requests wait already, and no more may. Ask again when some are answered.`, { waiting: MAX_WAITING });
    }
    this.#items.push(item);
  }

  /** For one that had its turn and lost it: it goes before all others of its priority. */
  putBack(item: T): void {
    this.#items.unshift(item);
  }

  /** Of those that may come now the one with the highest priority, of these the one that came first; now and then the one that came first of all. */
  take(mayCome: (item: T) => boolean): T | undefined {
    const items = this.#items.filter(mayCome);
    const [first] = items;
    if (first === undefined) return undefined;
    const isInOrder = ++this.#turn % TURNS === 0;
    const next = isInOrder ? first : items.reduce((best, item) => (item.priority > best.priority ? item : best), first);
    this.#items.splice(this.#items.indexOf(next), 1);
    return next;
  }

  /** All of them; none waits then. */
  drain(): T[] {
    return this.#items.splice(0);
  }
}
