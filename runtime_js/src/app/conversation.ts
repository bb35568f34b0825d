/** The messages of the current chat, kept for the life of the tab. */

import { Fields } from "../support/fields.ts";
import type { Keep } from "./keep.ts";

const ROLES = ["user", "assistant"] as const;
const ENDINGS = ["open", "stop", "length", "abort", "failed"] as const;
const KEY = "webllm-build:conversation";
const MAX_MESSAGES = 2000;
const MAX_TEXT = 1_000_000;

/** How a message ended. open: still being written; the others as finish_reason, or failed by an error. */
export type Ending = (typeof ENDINGS)[number];

export interface Message {
  readonly role: (typeof ROLES)[number];
  readonly text: string;
  readonly ending: Ending;
  /** Tokens a second, for a finished answer. */
  readonly speed?: number | undefined;
}

export class Conversation {
  #messages: Message[] = [];
  readonly #keep: Keep;
  readonly #key: string;

  constructor(keep: Keep, modelId: string) {
    this.#keep = keep;
    this.#key = `${KEY}:${modelId}`;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  add(message: Message): void {
    this.#messages.push(message);
    this.#save();
  }

  /** Replace the last message. Only a finished one is stored. */
  replaceLast(message: Message): void {
    this.#messages[this.#messages.length - 1] = message;
    if (message.ending !== "open") this.#save();
  }

  /** Keep only the first `length` messages. */
  truncate(length: number): void {
    this.#messages.length = Math.min(length, this.#messages.length);
    this.#save();
  }

  /** Take over what the tab held before the page was loaded again. An answer cut off by that counts as stopped. */
  restore(): void {
    try {
      const fields = new Fields({ messages: JSON.parse(this.#keep.get(this.#key) ?? "[]") }, "", (message) => new Error(message));
      this.#messages = fields.objects("messages", MAX_MESSAGES, (item) => {
        const ending = item.oneOf("ending", ENDINGS);
        return {
          role: item.oneOf("role", ROLES),
          text: item.string("text", MAX_TEXT),
          ending: ending === "open" ? "abort" : ending,
          speed: item.optional("speed", (key) => item.number(key, 0, 1e9)),
        };
      });
    } catch {
      this.#messages = [];
    }
  }

  #save(): void {
    this.#keep.set(this.#key, JSON.stringify(this.#messages));
  }
}
