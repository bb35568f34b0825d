/** Sends the events of one answer to a page without flooding it: what comes while messages are under way travels together in the next. */

import type { AnswerEvent } from "../engine/answer.ts";

/** Messages of one answer that may be under way. */
const WINDOW = 4;

export class Outbox {
  readonly #post: (events: readonly AnswerEvent[]) => void;
  #pending: AnswerEvent[] = [];
  #credit = WINDOW;

  constructor(post: (events: readonly AnswerEvent[]) => void) {
    this.#post = post;
  }

  push(event: AnswerEvent): void {
    this.#pending.push(event);
    if (this.#credit > 0) this.flush();
  }

  /** The page has taken a message. */
  grant(): void {
    this.#credit++;
    this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    this.#post(this.#pending);
    this.#pending = [];
    this.#credit--;
  }
}
