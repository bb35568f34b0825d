/** The messages of the current chat, kept for the life of the tab. */

import { Fields } from "../support/fields.ts";
import { ENDINGS, ROLES, turnsOf, type Message, type Turn } from "../view/message.ts";
import type { SafeStorage } from "./safe_storage.ts";

const KEY = "webllm-build:conversation";
const MAX_MESSAGES = 20_000;
const MAX_TEXT = 1 << 23;

export class Conversation {
  #messages: Message[] = [];
  readonly #storage: SafeStorage;
  readonly #key: string;

  constructor(storage: SafeStorage, modelId: string) {
    this.#storage = storage;
    this.#key = `${KEY}:${modelId}`;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** A question that nobody has answered is the last message. */
  get isUnanswered(): boolean {
    return this.#messages.at(-1)?.role === "user";
  }

  /** What the model is told. */
  turns(): Turn[] {
    return turnsOf(this.#messages);
  }

  add(message: Message): void {
    this.#messages.push(message);
    this.#save();
  }

  /** Replace the last message. A finished one is stored at once, an open one when `saveOpen` is called. */
  replaceLast(message: Message): void {
    this.#messages[this.#messages.length - 1] = message;
    if (message.ending !== "open") this.#save();
  }

  /** Keep only the first `length` messages. Where all of them were left out, the model is told them again. */
  truncate(length: number): void {
    this.#messages.length = Math.min(length, this.#messages.length);
    if (this.#messages.every(({ leftOut }) => leftOut)) this.#messages = this.#messages.map((message) => ({ ...message, leftOut: false }));
    this.#save();
  }

  /** Whether there are questions before the last that could be left out. */
  get canLeaveOut(): boolean {
    return this.#earlierQuestions().length > 0;
  }

  /** Leave out the older half of what the model is told before the last question. */
  leaveOutOldest(): void {
    const questions = this.#earlierQuestions();
    const end = questions[Math.ceil(questions.length / 2)] ?? this.#lastQuestion();
    this.#messages = this.#messages.map((message, index) => (index < end ? { ...message, leftOut: true } : message));
    this.#save();
  }

  /** Take over what the tab held before the page was loaded again. An answer cut off by that counts as stopped. */
  restore(): void {
    try {
      const fields = new Fields({ messages: JSON.parse(this.#storage.get(this.#key) ?? "[]") }, "", (message) => new Error(message));
      this.#messages = fields.objects("messages", MAX_MESSAGES, (item) => {
        const ending = item.oneOf("ending", ENDINGS);
        return {
          role: item.oneOf("role", ROLES),
          text: item.string("text", MAX_TEXT),
          thought: item.optional("thought", (key) => item.string(key, MAX_TEXT)),
          ending: ending === "open" ? "abort" : ending,
          speed: item.optional("speed", (key) => item.number(key, 0, 1e9)),
          by: item.optional("by", (key) => item.string(key, 1000)),
          leftOut: item.optional("leftOut", (key) => item.boolean(key)),
        };
      });
    } catch {
      this.#messages = [];
    }
  }

  /** Store what there is of an answer that is still being written. */
  saveOpen(): void {
    if (this.#messages.at(-1)?.ending === "open") this.#save();
  }

  #save(): void {
    this.#storage.set(this.#key, JSON.stringify(this.#messages));
  }

  #lastQuestion(): number {
    return this.#messages.findLastIndex(({ role }) => role === "user");
  }

  #earlierQuestions(): number[] {
    const last = this.#lastQuestion();
    return this.#messages.flatMap(({ role, leftOut }, index) => (role === "user" && leftOut !== true && index < last ? [index] : []));
  }
}
