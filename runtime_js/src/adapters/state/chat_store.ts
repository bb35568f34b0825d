/** A conversation: what was said, and the answer that comes. */

import type { ChatCompletionMessageParam, ChatCompletionRequest } from "../../api/openai/types.ts";
import { abortable } from "../../support/abort.ts";
import { turnsOf, type Ending, type Message } from "../../view/message.ts";
import type { Engine } from "./engine_store.ts";
import { Store } from "./store.ts";

export interface ChatMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly content: string;
  /** What the model thought before it answered. */
  readonly reasoning: string;
  /** How it ended: "open" while it is being written, "abort" where it was stopped. Nothing counts as "stop". */
  readonly ending?: Ending | undefined;
}

export interface ChatState {
  readonly messages: readonly ChatMessage[];
  readonly status: "ready" | "answering" | "failed";
  readonly error: unknown;
}

/** What each request of the conversation has. */
export interface ChatOptions extends Omit<Partial<ChatCompletionRequest>, "messages" | "stream" | "n" | "tools" | "tool_choice"> {
  readonly system?: string | undefined;
}

const NOTHING = { messages: [], status: "ready", error: undefined } as const;

export class ChatStore extends Store<ChatState> {
  #engine: Engine | Promise<Engine> | undefined;
  #options: ChatOptions = {};
  #answer: AbortController | undefined;

  constructor(initial: readonly ChatMessage[] = []) {
    super({ ...NOTHING, messages: initial });
  }

  /** What requests go to, which may still be loading, and what they have, from now on. */
  configure(engine: Engine | Promise<Engine> | undefined, options: ChatOptions): void {
    this.#engine = engine;
    this.#options = options;
  }

  /** Asks, and resolves when the answer is there, was stopped or failed. */
  readonly send = (text: string): Promise<void> => {
    if (this.#answer !== undefined) return Promise.reject(new Error("An answer is under way: wait for it, or call stop()."));
    return this.#ask([...this.get().messages, message("user", text)]);
  };

  /** Asks the last question again. */
  readonly regenerate = (): Promise<void> => {
    this.stop();
    const { messages } = this.get();
    const last = messages.findLastIndex(({ role }) => role === "user");
    return last < 0 ? Promise.resolve() : this.#ask(messages.slice(0, last + 1));
  };

  /** Ends the answer where it is. */
  readonly stop = (): void => {
    this.#answer?.abort();
    if (this.#answer !== undefined) this.set({ status: "ready", messages: this.#ended("abort") });
    this.#answer = undefined;
  };

  readonly setMessages = (messages: readonly ChatMessage[]): void => {
    this.stop();
    this.set({ ...NOTHING, messages });
  };

  /** The messages, with another ending of the answer that is being written. */
  #ended(ending: Ending): readonly ChatMessage[] {
    return this.get().messages.map((message) => (message.ending === "open" ? { ...message, ending } : message));
  }

  async #ask(messages: readonly ChatMessage[]): Promise<void> {
    const controller = this.#answer = new AbortController();
    const { signal } = controller;
    const isCurrent = (): boolean => this.#answer === controller;
    let said: ChatMessage = { ...message("assistant", ""), ending: "open" };
    this.set({ messages, status: "answering", error: undefined });
    try {
      const engine = await abortable(Promise.resolve(this.#engine), signal, "The answer was stopped.");
      if (engine === undefined) throw new Error("The model is not loaded.");
      const { system, ...request } = this.#options;
      const first: ChatCompletionMessageParam[] = system === undefined ? [] : [{ role: "system", content: system }];
      const pieces = await engine.chat.completions.create({
        ...request, stream: true, messages: [...first, ...turnsOf(messages.map(toView)).map(({ role, text }) => ({ role, content: text }))],
      }, { signal });
      for await (const { choices: [choice] } of pieces) {
        if (!isCurrent()) return;
        const { content = "", reasoning_content = "" } = choice?.delta ?? {};
        const ending = choice?.finish_reason === "tool_calls" ? "stop" : choice?.finish_reason ?? said.ending;
        said = { ...said, content: said.content + content, reasoning: said.reasoning + reasoning_content, ending };
        this.set({ messages: [...messages, said] });
      }
      if (isCurrent()) this.set({ status: "ready", messages: this.#ended("stop") });
    } catch (error) {
      if (isCurrent()) this.set({ status: "failed", error, messages: this.#ended("failed") });
    } finally {
      if (isCurrent()) this.#answer = undefined;
    }
  }
}

function message(role: ChatMessage["role"], content: string): ChatMessage {
  return { id: crypto.randomUUID(), role, content, reasoning: "" };
}

/** As views show it. */
export function toView({ role, content, reasoning, ending = "stop" }: ChatMessage): Message {
  return { role, text: content, thought: reasoning, ending };
}
