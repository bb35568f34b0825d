/** The chat: connects conversation, model and views; every action of the user is one method here. */

import type { PageConfig } from "../page/config.ts";
import { Composer } from "../view/composer.ts";
import { byId, element } from "../view/dom.ts";
import { isComposing } from "../view/keys.ts";
import { LateMarkdown, type Markdown } from "../view/late_markdown.ts";
import type { Message } from "../view/message.ts";
import { MessageList } from "../view/message_list.ts";
import { Scroller } from "../view/scroll.ts";
import { WORDS, type ComposerMode } from "../view/words.ts";
import { Conversation } from "./conversation.ts";
import { safeStorage } from "./safe_storage.ts";
import { Model, type Status, type Task } from "./model.ts";
import { SettingsStore } from "./settings.ts";
import { showNotice } from "./view/notice.ts";
import { SettingsDialog } from "./view/settings-dialog.ts";

const COMPOSER: Readonly<Record<Status, ComposerMode>> = {
  checking: "off", offer: "off", loading: "early", ready: "ready", answering: "busy", deleting: "off", failed: "off",
};

const DRAFT = "webllm-build:draft";

const SUGGESTIONS = [
  "Why is the sky blue?",
  "Write four lines about rain on a tin roof.",
  "Three ideas for a quick dinner with lentils?",
  "Write a Python function that counts words.",
];

export class Chat implements Task {
  readonly model: Model;
  readonly noun = "conversation";
  readonly #conversation: Conversation;
  readonly #composer: Composer;
  readonly #list: MessageList;
  readonly #markdown: LateMarkdown;
  readonly #settingsDialog: SettingsDialog;
  readonly #scroller: Scroller;
  readonly #newChatButton = byId("new-chat", HTMLButtonElement);
  readonly #welcome = byId("welcome", HTMLElement);
  readonly #storage = safeStorage(() => sessionStorage);
  readonly #draftKey: string;
  #savedDraft: string;
  /** Index of the question that the composer changes. */
  #editing: number | undefined;
  /** Counts answers, so that one that was overtaken (by a new chat) writes no more. */
  #turn = 0;

  constructor(config: PageConfig) {
    const { model } = config;
    const store = new SettingsStore(safeStorage(() => localStorage), model.id, model.contextLength, model.sampling);
    this.#conversation = new Conversation(this.#storage, model.id);
    this.#conversation.restore();
    this.#markdown = new LateMarkdown((attempt): Promise<Markdown> => import(attempt === 0 ? config.markdown : `${config.markdown}#${attempt}`));
    const context = { root: document, words: WORDS, markdown: this.#markdown };
    this.#scroller = new Scroller(context);
    this.#composer = new Composer(context, (text) => this.#send(text), () => this.model.stop(), () => this.#leaveEdit());
    this.#draftKey = `${DRAFT}:${model.id}`;
    this.#composer.draft = this.#savedDraft = this.#storage.get(this.#draftKey) ?? "";
    this.#list = new MessageList(context, {
      retry: (index) => void this.#answerFrom(index),
      edit: (index) => this.#edit(index),
      copyRefused: () => showNotice("copy", "The browser does not let this page copy. Select the text yourself."),
      keepPlace: (draw) => this.#scroller.keepPlace(draw),
    });
    this.model = new Model(config, store.load(), this);
    this.#settingsDialog = new SettingsDialog(store, this.model);
    this.#newChatButton.addEventListener("click", () => this.#newChat());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    this.#suggest();
    void this.#list.restore(this.#conversation.messages);
  }

  show(status: Status): void {
    this.#composer.setMode(COMPOSER[status]);
    const empty = this.#conversation.messages.length === 0;
    this.#newChatButton.disabled = empty;
    this.#welcome.hidden = !empty || status !== "ready";
  }

  /** A question that was written while the model loaded is answered now. */
  ready(isFresh: boolean): void {
    void this.#markdown.load(); // its answers want it, and nothing else is fetched any more
    if (isFresh) {
      this.#announce("The model is ready.");
      this.#composer.focus();
    }
    if (this.#conversation.isUnanswered) void this.#answerFrom(this.#conversation.messages.length);
  }

  save(): void {
    this.#conversation.saveOpen();
    const { draft } = this.#composer;
    if (draft === this.#savedDraft) return;
    this.#savedDraft = draft;
    this.#storage.set(this.#draftKey, draft);
  }

  offers(action: "new" | "leave-out"): boolean {
    return action === "new" || this.#conversation.canLeaveOut;
  }

  resolve(action: "new" | "leave-out" | "settings"): void {
    if (action === "settings") this.#settingsDialog.open();
    else if (action === "new") this.#newChat();
    else this.#leaveOutOldest();
  }

  /** Before the model is ready the question waits in the conversation. */
  #send(text: string): void {
    if (this.#editing !== undefined) this.#truncate(this.#editing);
    this.#append({ role: "user", text, ending: "stop" });
    this.save(); // it is a question now, and no draft
    this.#scroller.toEnd();
    if (this.model.status === "ready") void this.#answerFrom(this.#conversation.messages.length);
    else this.show(this.model.status);
  }

  /** Answer the messages before `index`; what stood from there on is dropped. */
  async #answerFrom(index: number): Promise<void> {
    if (this.model.status !== "ready") return;
    this.#truncate(index);
    const turn = ++this.#turn;
    const turns = this.#conversation.turns();
    let [text, thought] = ["", ""];
    const write = (rest: Omit<Message, "role" | "text">): void => {
      if (turn !== this.#turn) return;
      const message: Message = { role: "assistant", text, ...(thought !== "" && { thought }), ...rest };
      this.#conversation.replaceLast(message);
      this.#list.updateLast(message);
    };
    this.#append({ role: "assistant", text, ending: "open" });
    this.#scroller.toEnd();
    this.#announce("The model is answering.");
    await this.model.run(
      (engine, signal) => engine.chat(turns, this.model.settings, signal, (piece) => {
        text += piece.text;
        thought += piece.thought;
        write({ ending: "open" });
      }),
      ({ ending, speed }) => {
        write({ ending, speed });
        if (turn === this.#turn) this.#announce(text);
      },
    );
  }

  #leaveOutOldest(): void {
    this.#conversation.leaveOutOldest();
    this.#list.markLeftOut(this.#conversation.messages);
    const answer = this.#conversation.messages.findLastIndex(({ role }) => role === "user") + 1;
    void this.#answerFrom(answer);
  }

  #newChat(): void {
    this.#turn += 1;
    this.model.stop();
    this.#truncate(0);
    this.model.hideProblem();
    this.show(this.model.status);
    this.#composer.focus();
  }

  #edit(index: number): void {
    if (this.model.status !== "ready") return;
    this.#editing = index;
    this.#composer.edit(this.#conversation.messages[index]?.text ?? "");
    this.#composer.focus();
  }

  #leaveEdit(): void {
    this.#editing = undefined;
    this.#composer.leaveEdit();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event) || document.querySelector("dialog[open]") !== null) return;
    if (this.model.status === "answering") this.model.stop();
    else if (this.#editing !== undefined) this.#leaveEdit();
  }

  #append(message: Message): void {
    this.#conversation.add(message);
    this.#list.add(message);
  }

  #truncate(length: number): void {
    this.#conversation.truncate(length);
    this.#list.truncate(length);
    this.#list.markLeftOut(this.#conversation.messages);
    if (this.#editing !== undefined && this.#editing >= length) this.#leaveEdit();
  }

  #suggest(): void {
    byId("suggestions", HTMLElement).append(...SUGGESTIONS.map((text) => {
      const button = element("button", { type: "button" }, text);
      button.addEventListener("click", () => this.#send(text));
      return element("li", {}, button);
    }));
  }

  /** Say something to a screen reader. Answers are read when they are complete, not piece by piece. */
  #announce(text: string): void {
    byId("announce", HTMLElement).textContent = text;
  }
}
