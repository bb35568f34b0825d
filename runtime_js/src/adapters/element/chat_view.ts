/** What the element shows of an engine and of a conversation, and what a person does there. */

import { formatBytes } from "../../support/format.ts";
import { Composer } from "../../view/composer.ts";
import { byId } from "../../view/dom.ts";
import { isComposing } from "../../view/keys.ts";
import type { LateScripts } from "../../view/late.ts";
import { MessageList } from "../../view/message_list.ts";
import { Scroller } from "../../view/scroll.ts";
import { toView, type ChatMessage, type ChatState, type ChatStore } from "../state/chat_store.ts";
import type { Engine, EngineState } from "../state/engine_store.ts";
import type { Facts } from "./source.ts";
import { skeleton } from "./skeleton.ts";
import type { ElementWords } from "./words.ts";

/** What the element does with what a person wants. */
export interface Actions {
  start(): void;
  cancel(): void;
  send(text: string): void;
  /** Answers the last question anew. */
  retry(): void;
  /** Tries what failed again. */
  again(): void;
}

/** The answer that has not begun. */
const PENDING: ChatMessage = { id: "", role: "assistant", content: "", reasoning: "", ending: "open" };

export class ChatView {
  readonly #words: ElementWords;
  readonly #root: ShadowRoot;
  readonly #facts: Facts;
  readonly #chat: ChatStore;
  readonly #composer: Composer;
  readonly #list: MessageList;
  readonly #scroller: Scroller;
  #shown: readonly ChatMessage[] = [];
  /** The question that the composer changes. */
  #editing: number | undefined;

  constructor(root: ShadowRoot, words: ElementWords, late: LateScripts, facts: Facts, chat: ChatStore, actions: Actions) {
    this.#words = words;
    this.#root = root;
    this.#facts = facts;
    this.#chat = chat;
    root.replaceChildren(skeleton(words, facts.name));
    const context = { root, words, locale: "en", ...late };
    this.#scroller = new Scroller(context);
    this.#composer = new Composer(context, (text) => this.#send(text, actions), () => chat.stop(), () => this.#leaveEdit());
    this.#list = new MessageList(context, {
      retry: (index) => {
        chat.setMessages(this.#shown.slice(0, index));
        actions.retry();
      },
      edit: (index) => this.#edit(index),
      copyRefused: () => this.#tell(words.copyRefused, false),
      keepPlace: (draw) => this.#scroller.keepPlace(draw),
    });
    this.#button("start").addEventListener("click", () => {
      actions.start();
      this.#composer.focus(); // the button goes
    });
    this.#button("cancel").addEventListener("click", () => actions.cancel());
    this.#button("again").addEventListener("click", () => actions.again());
    this.#part("chat").addEventListener("keydown", (event) => this.#onKey(event));
    void this.#offerWithSize();
  }

  /** Shows both as they are now. placeholder: of the field, where a question can be written; "" takes its own words. */
  show(engine: EngineState<Engine>, chat: ChatState, placeholder: string): void {
    const isAnswering = chat.status === "answering";
    const status = engine.status === "ready" ? (isAnswering ? "answering" : "ready") : engine.status;
    const before = this.#part("chat").dataset["status"];
    this.#part("chat").dataset["status"] = status;
    this.#drawEngine(engine);
    this.#drawMessages(isAnswering && chat.messages.at(-1)?.role === "user" ? [...chat.messages, PENDING] : chat.messages);
    this.#composer.setMode(status === "loading" ? (isAnswering ? "busy" : "early") : status === "ready" ? "ready" : status === "answering" ? "busy" : "off");
    if (placeholder !== "" && status !== "idle" && status !== "failed") byId("prompt", HTMLTextAreaElement, this.#root).placeholder = placeholder;
    const error: unknown = engine.status === "failed" ? engine.error : chat.status === "failed" ? chat.error : undefined;
    if (error === undefined) this.#part("problem").hidden = true;
    else this.#tell(error instanceof Error ? error.message : String(error), true);
    if (status !== before) this.#announce(status, before);
  }

  #drawEngine({ status, progress }: EngineState<Engine>): void {
    this.#part("offer").hidden = status === "ready" || status === "failed";
    this.#part("start").hidden = status === "loading";
    this.#part("loading").hidden = status !== "loading";
    if (status !== "loading") return;
    const { bytesDone = 0, bytesTotal = 0, waiting } = progress ?? {};
    byId("bar", HTMLProgressElement, this.#root).value = progress?.progress ?? 0;
    this.#part("amount").textContent = waiting ?? (bytesTotal === 0 ? "" : `${formatBytes(bytesDone)} / ${formatBytes(bytesTotal)}`);
  }

  /** Only what differs is drawn. */
  #drawMessages(messages: readonly ChatMessage[]): void {
    const shown = this.#shown;
    this.#shown = messages;
    const isSame = (message: ChatMessage, index: number): boolean => shown[index]?.id === message.id || (shown[index] === PENDING && message.role === "assistant");
    const other = messages.findIndex((message, index) => !isSame(message, index));
    const same = other < 0 ? messages.length : other;
    if (same < shown.length) this.#list.truncate(same);
    const last = same - 1;
    const latest = messages[last];
    if (latest !== undefined && latest !== shown[last] && shown[last]?.ending === "open") this.#list.updateLast(toView(latest));
    for (const message of messages.slice(same)) this.#list.add(toView(message));
    if (same < messages.length) this.#scroller.toEnd();
    const isEmpty = messages.length === 0;
    this.#part("welcome").hidden = !isEmpty;
    this.#part("main").classList.toggle("empty", isEmpty);
    if (this.#editing !== undefined && this.#editing >= messages.length) this.#leaveEdit();
  }

  /** Answers are read when they are complete, not piece by piece. */
  #announce(status: string, before: string | undefined): void {
    const tell = (text: string): void => { this.#part("announce").textContent = text; };
    if (status === "answering") tell(this.#words.answering);
    else if (status === "ready" && before === "answering") this.#list.tellLast(tell);
    else tell(status === "ready" ? this.#words.ready : "");
  }

  #tell(text: string, canTryAgain: boolean): void {
    this.#part("problem-text").textContent = text;
    this.#part("again").hidden = !canTryAgain;
    this.#part("problem").hidden = false;
    this.#scroller.toEnd();
  }

  async #offerWithSize(): Promise<void> {
    const bytes = await this.#facts.bytes;
    this.#part("start").textContent = this.#words.start(bytes === 0 ? undefined : formatBytes(bytes));
  }

  #send(text: string, actions: Actions): void {
    if (this.#editing !== undefined) {
      const kept = this.#shown.slice(0, this.#editing);
      this.#leaveEdit();
      this.#chat.setMessages(kept);
    }
    actions.send(text);
  }

  #edit(index: number): void {
    this.#editing = index;
    this.#composer.edit(this.#shown[index]?.content ?? "");
    this.#composer.focus();
  }

  #leaveEdit(): void {
    this.#editing = undefined;
    this.#composer.leaveEdit();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event)) return;
    if (this.#chat.get().status === "answering") this.#chat.stop();
    else if (this.#editing !== undefined) this.#leaveEdit();
    else return;
    event.preventDefault(); // a dialog around it stays open
  }

  #part(id: string): HTMLElement {
    return byId(id, HTMLElement, this.#root);
  }

  #button(id: string): HTMLButtonElement {
    return byId(id, HTMLButtonElement, this.#root);
  }
}
