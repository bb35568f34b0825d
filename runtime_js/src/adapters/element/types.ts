/** What a page has of `<llm-chat>`. */

import type { ChatOptions } from "../state/chat_store.ts";
import type { Engine, EngineState } from "../state/engine_store.ts";
import type { InitProgressReport } from "../../engine/progress.ts";
import type { Ending } from "../../view/message.ts";
import type { ElementWords } from "./words.ts";

export interface LLMChatMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
  /** What the model thought before it answered. */
  readonly reasoning?: string | undefined;
  /** How it ended: "stop", "length", "abort" where it was stopped, "failed", or "open" while it is being written. Nothing counts as "stop". */
  readonly ending?: Ending | undefined;
}

/** Events, none of which bubbles. */
export interface LLMChatEventMap extends Omit<HTMLElementEventMap, "progress"> {
  /** The model is loaded. */
  ready: Event;
  /** A part of it has been loaded. */
  progress: CustomEvent<InitProgressReport>;
  /** A question was sent, or an answer has ended. */
  message: CustomEvent<LLMChatMessage>;
  /** A load or an answer failed; the element shows why. */
  error: ErrorEvent;
}

/**
 * `<llm-chat model weights device system shared placeholder theme autostart>`. `model`: a model of the package, by default the first that chats.
 * `weights`: URL of their folder, where the package has none. `device`: "auto", "gpu" or "cpu". `shared`: all tabs of the site have one engine. `system`: what the model is told first.
 * `theme`: "light" or "dark"; without it the visitor's. `autostart`: loads the model at once, not when somebody asks for it.
 * What stands in the element is shown while its conversation is empty.
 */
export interface LLMChatElement extends HTMLElement {
  /** The conversation. Setting it ends an answer. */
  messages: readonly LLMChatMessage[];
  /** What each request has, as `{ temperature: 0 }`. */
  request: ChatOptions;
  /** What the element says, where it is to say something else. */
  words: Partial<ElementWords>;
  /** "ready" also where it answers. */
  readonly status: EngineState<Engine>["status"];
  /** Loads the model; all elements that want the same one share it. Rejects where that fails or is given up. */
  load(): Promise<Engine>;
  /**
   * Asks as a visitor would, loads the model where it is not there, and resolves with the answer, or with what there is of one that is
   * stopped. Rejects where it fails, and where an answer is under way.
   */
  ask(text: string): Promise<string>;
  /** Ends the answer where it is. */
  stop(): void;
  addEventListener<K extends keyof LLMChatEventMap>(type: K, listener: (this: LLMChatElement, event: LLMChatEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "llm-chat": LLMChatElement;
  }
}
