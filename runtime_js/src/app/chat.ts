/** The chat: connects conversation, model and views; every action of the user is one method here. */

import type { PageConfig } from "../page/config.ts";
import { Composer } from "../view/composer.ts";
import { byId, element } from "../view/dom.ts";
import { isComposing } from "../view/keys.ts";
import { lateScripts, type LateScripts } from "../view/late.ts";
import type { Message, Turn } from "../view/message.ts";
import { MessageList } from "../view/message_list.ts";
import { Scroller } from "../view/scroll.ts";
import type { ComposerMode } from "../view/words.ts";
import { Conversation } from "./conversation.ts";
import { LateRemote } from "./late_remote.ts";
import { safeStorage } from "./safe_storage.ts";
import type { Piece } from "./engine.ts";
import { Model, type Status, type Task } from "./model.ts";
import { showNotice } from "./view/notice.ts";
import { SettingsDialog } from "./view/settings-dialog.ts";
import { LOCALE, WORDS } from "./words/words.ts";

const COMPOSER: Readonly<Record<Status, ComposerMode>> = {
  checking: "off", offer: "off", loading: "early", ready: "ready", answering: "busy", deleting: "off", failed: "off",
};

const DRAFT = "webllm-build:draft";

export class Chat implements Task {
  readonly model: Model;
  readonly #conversation: Conversation;
  readonly #composer: Composer;
  readonly #list: MessageList;
  readonly #late: LateScripts;
  readonly #settingsDialog: SettingsDialog;
  readonly #scroller: Scroller;
  /** Who may answer in the device's place. */
  readonly #remote: LateRemote | undefined;
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
    const { id } = config.models[0]; // of the site: what was written stays whichever model is chosen
    this.#conversation = new Conversation(this.#storage, id);
    this.#conversation.restore();
    this.#late = lateScripts(config.late);
    const context = { root: document, words: WORDS.view, locale: LOCALE, ...this.#late };
    this.#scroller = new Scroller(context);
    this.#composer = new Composer(context, (text) => this.#send(text), () => this.#stop(), () => this.#leaveEdit());
    this.#draftKey = `${DRAFT}:${id}`;
    this.#composer.draft = this.#savedDraft = this.#storage.get(this.#draftKey) ?? "";
    this.#list = new MessageList(context, {
      retry: (index) => void this.#answerFrom(index),
      edit: (index) => this.#edit(index),
      copyRefused: () => showNotice("copy", WORDS.notice.copy),
      keepPlace: (draw) => this.#scroller.keepPlace(draw),
    });
    this.#remote = config.remote && new LateRemote(config.remote);
    this.model = new Model(config, this);
    this.#settingsDialog = new SettingsDialog(this.model, { presets: config.site.presets, structure: config.parts.structure, chat: undefined });
    this.#newChatButton.addEventListener("click", () => this.#newChat());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    this.#suggest(config.site.suggestions ?? WORDS.suggestions);
    void this.#list.restore(this.#conversation.messages);
  }

  show(status: Status): void {
    this.#composer.setMode(this.#remote?.isAnswering === true ? "busy" : this.#mayAskRemote ? "ready" : COMPOSER[status]);
    const empty = this.#conversation.messages.length === 0;
    this.#newChatButton.disabled = empty;
    this.#welcome.hidden = !empty || status !== "ready";
  }

  /** A question that was written while the model loaded is answered now. */
  ready(isFresh: boolean): void {
    void this.#late.markdown.load(); // its answers want it, and nothing else is fetched any more
    if (isFresh) {
      this.#announce(WORDS.announce.ready);
      this.#composer.focus();
    }
    if (this.#conversation.isUnanswered) void this.#answerHere(this.#conversation.messages.length);
  }

  /** Whether the remote model is whom a question goes to now. */
  get #mayAskRemote(): boolean {
    if (this.#remote === undefined || this.model.status === "answering") return false;
    const { answers } = this.model.settings;
    return answers === "remote" || (answers === "auto" && this.model.status !== "ready" && !this.#remote.isRefused);
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
    if (this.model.status === "ready" || this.#mayAskRemote) void this.#answerFrom(this.#conversation.messages.length);
    else this.show(this.model.status);
  }

  #stop(): void {
    this.#remote?.stop();
    this.model.stop();
  }

  /** Answer the messages before `index`; what stood from there on is dropped. */
  async #answerFrom(index: number): Promise<void> {
    if (this.#remote?.isAnswering === true) return;
    if (this.#remote !== undefined && this.#mayAskRemote) await this.#answerThere(this.#remote, index);
    else await this.#answerHere(index);
  }

  async #answerHere(index: number): Promise<void> {
    if (this.model.status !== "ready") return;
    const { turns, take, end } = this.#beginAnswer(index);
    const by = this.#remote ? { by: WORDS.remote.device } : this.model.isOneOfSeveral ? { by: this.model.model.name } : undefined;
    await this.model.run(
      (engine, signal) => engine.chat(turns, this.model.settings, signal, (piece) => take(piece, by)),
      ({ ending, speed }) => end({ ending, speed, ...by }),
    );
  }

  /** By the remote model, where the visitor lets it; else the question waits for the model here. */
  async #answerThere(remote: LateRemote, index: number): Promise<void> {
    const turn = this.#turn;
    const allows = await remote.allows(this.model.settings.answers === "remote").catch(() => false);
    if (turn !== this.#turn || index > this.#conversation.messages.length) return;
    if (!allows) {
      this.show(this.model.status);
      await this.#answerHere(index);
      return;
    }
    const { turns, take, end } = this.#beginAnswer(index);
    let [by, isEmpty]: [Partial<Pick<Message, "by">>, boolean] = [{}, true];
    const answering = remote.answer({ turns, settings: this.model.settings, host: this.model.host }, (piece, who) => {
      [by, isEmpty] = [{ by: who }, isEmpty && piece.text === "" && piece.thought === ""];
      take(piece, by);
    });
    this.show(this.model.status);
    const { ending, problem } = await answering;
    end({ ending, ...by });
    if (problem !== undefined) showNotice("remote", problem);
    if (problem !== undefined && isEmpty && this.#turn === turn + 1) this.#truncate(index); // the question waits for the model here
    this.show(this.model.status);
    if (this.model.status === "ready" && this.#conversation.isUnanswered) await this.#answerHere(index);
  }

  /** A message that grows by what is taken; writes nothing more when another answer, or another chat, was begun. */
  #beginAnswer(index: number): {
    readonly turns: readonly Turn[]; take(piece: Piece, by: Partial<Pick<Message, "by">> | undefined): void; end(rest: Omit<Message, "role" | "text">): void;
  } {
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
    this.#announce(WORDS.announce.answering);
    return {
      turns,
      take: (piece, by) => {
        text += piece.text;
        thought += piece.thought;
        write({ ending: "open", ...by });
      },
      end: (rest) => {
        write(rest);
        if (turn === this.#turn) this.#announce(text);
      },
    };
  }

  #leaveOutOldest(): void {
    this.#conversation.leaveOutOldest();
    this.#list.markLeftOut(this.#conversation.messages);
    const answer = this.#conversation.messages.findLastIndex(({ role }) => role === "user") + 1;
    void this.#answerFrom(answer);
  }

  #newChat(): void {
    this.#turn += 1;
    this.#stop();
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
    if (this.model.status === "answering" || this.#remote?.isAnswering === true) this.#stop();
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

  #suggest(texts: readonly string[]): void {
    byId("suggestions", HTMLElement).append(...texts.map((text) => {
      const button = element("button", { type: "button", dir: "auto" }, text);
      button.addEventListener("click", () => this.#send(text));
      return element("li", {}, button);
    }));
  }

  /** Say something to a screen reader. Answers are read when they are complete, not piece by piece. */
  #announce(text: string): void {
    byId("announce", HTMLElement).textContent = text;
  }
}
