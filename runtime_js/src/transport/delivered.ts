/** What was handed on of an answer, so that whoever gives it again from its beginning is heard only where it goes on. */

import type { AnswerEvent } from "../engine/answer.ts";

/** How far an answer came, by kinds of events: UTF-16 units of texts, or how many. */
type Lengths = Map<string, number>;

export class Delivered {
  /** The answer's tokens, where they are told. */
  readonly tokens: number[] = [];
  readonly #lengths: Lengths = new Map();
  /** Of the source that gives the answer now. */
  #given: Lengths = new Map();

  /** The answer comes once more, from its beginning. */
  again(): void {
    this.#given = new Map();
  }

  /** What is new of an event; undefined where nothing is. */
  take(event: AnswerEvent): AnswerEvent | undefined {
    switch (event.type) {
      case "token": {
        const fresh = this.#fresh(`token ${event.prompt ?? ""}`, 1);
        if (fresh > 0 && event.prompt === undefined) this.tokens.push(event.token);
        return fresh > 0 ? event : undefined;
      }
      case "toolCall":
        return this.#fresh("toolCall", 1) > 0 ? event : undefined;
      case "text":
      case "reasoning":
        return this.#cut(event, event.type);
      case "toolArguments":
        return this.#cut(event, `${event.type} ${event.index}`);
      case "end":
        return event;
    }
  }

  #cut<E extends Extract<AnswerEvent, { readonly text: string }>>(event: E, kind: string): E | undefined {
    const fresh = this.#fresh(kind, event.text.length);
    return fresh > 0 ? { ...event, text: event.text.slice(event.text.length - fresh) } : undefined;
  }

  /** How much of the next `length` of a kind was not handed on yet. */
  #fresh(kind: string, length: number): number {
    const end = (this.#given.get(kind) ?? 0) + length;
    this.#given.set(kind, end);
    const before = this.#lengths.get(kind) ?? 0;
    this.#lengths.set(kind, Math.max(before, end));
    return Math.min(Math.max(end - before, 0), length);
  }
}
