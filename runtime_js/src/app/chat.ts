/** The chat: connects conversation, model and views; every action of the user is one method here. */

import type { PageConfig } from "../page/config.ts";
import { Composer } from "../view/composer.ts";
import { byId, element } from "../view/dom.ts";
import { isComposing } from "../view/keys.ts";
import { lateScripts, type LateScripts } from "../view/late.ts";
import { withMore, type Message, type Turn } from "../view/message.ts";
import { MessageList } from "../view/message_list.ts";
import { Scroller } from "../view/scroll.ts";
import type { ComposerMode } from "../view/words.ts";
import { openChats } from "./chats/open.ts";
import type { Chats, ChatsUser } from "./chats/chats.ts";
import { followSidebar } from "./chats/late_sidebar.ts";
import { titleOf, type ChatMessage } from "./chats/record.ts";
import type { Conversation } from "./conversation.ts";
import { LateRemote } from "./late_remote.ts";
import { latePart } from "./late_part.ts";
import { safeStorage } from "./safe_storage.ts";
import type { Piece } from "./engine.ts";
import { Model, type Status, type Task } from "./model.ts";
import { ContextMeter } from "./view/context-meter.ts";
import { offerDictation } from "./view/dictation.ts";
import { FileTray } from "./view/file-tray.ts";
import { showNotice } from "./view/notice.ts";
import { ReadAloud } from "./voice.ts";
import { NameReader, askingForName, givesNames } from "./naming.ts";
import type { Settings } from "./settings.ts";
import { Taken } from "./taken.ts";
import { SettingsDialog } from "./view/settings-dialog.ts";
import { LOCALE, WORDS } from "./words/words.ts";

const COMPOSER: Readonly<Record<Status, ComposerMode>> = {
  checking: "off", offer: "off", loading: "early", ready: "ready", answering: "busy", deleting: "off", failed: "off",
};

const DRAFT = "webllm-build:draft";

export class Chat implements Task, ChatsUser {
  readonly model: Model;
  readonly #chats: Chats;
  readonly #composer: Composer;
  readonly #list: MessageList;
  readonly #late: LateScripts;
  readonly #settingsDialog: SettingsDialog;
  readonly #scroller: Scroller;
  /** Who may answer in the device's place. */
  readonly #remote: LateRemote | undefined;
  readonly #meter = new ContextMeter();
  readonly #files: FileTray;
  readonly #newChatButton = byId("new-chat", HTMLButtonElement);
  readonly #welcome = byId("welcome", HTMLElement);
  readonly #storage = safeStorage(() => sessionStorage);
  readonly #draftKey: string;
  #savedDraft: string;
  /** The messages as they are drawn. */
  #shown: readonly ChatMessage[] = [];
  /** Index of the question that the composer changes. */
  #editing: number | undefined;
  /** The question that this page is to answer when it can. */
  #waiting: string | undefined;
  /** Ends the question for a chat's name. */
  #naming: AbortController | undefined;
  /** The answer that is written here. */
  #answer: { readonly conversation: Conversation; readonly id: string } | undefined;

  constructor(config: PageConfig) {
    const { id } = config.models[0]; // of the site: what was written stays whichever model is chosen
    this.#late = lateScripts(config.late);
    const context = { root: document, words: WORDS.view, locale: LOCALE, ...this.#late };
    this.#scroller = new Scroller(context);
    this.#composer = new Composer(context, (text) => this.#send(text), () => this.stop(), () => this.#leaveEdit());
    this.#draftKey = `${DRAFT}:${id}`;
    this.#composer.draft = this.#savedDraft = this.#storage.get(this.#draftKey) ?? "";
    this.#list = new MessageList(context, {
      retry: (index) => void this.#answerFrom(index),
      edit: (index) => this.#edit(index),
      turn: (index, by) => this.#turnTo(index, by),
      goOn: () => void this.#goOn(),
      quote: (text) => this.#composer.quote(text),
      speech: new ReadAloud(LOCALE),
      copyRefused: () => showNotice("copy", WORDS.notice.copy),
      keepPlace: (draw) => this.#scroller.keepPlace(draw),
    });
    this.#remote = config.remote && new LateRemote(config.remote);
    const model = this.model = new Model(config, this);
    const chats = this.#chats = openChats(this);
    this.#files = new FileTray({
      countTokens: (text) => this.model.countTokens(text),
      get room() { return model.settings.contextLength; },
      get sees() { return model.model.sees; },
      get hears() { return model.model.hears; },
      loadSounds: latePart(config.sounds),
    });
    offerDictation(this.#composer);
    this.#settingsDialog = new SettingsDialog(this.model, {
      presets: config.site.presets,
      structure: config.parts.structure,
      chat: { get settings() { return chats.current.settings; }, setSettings: (settings) => chats.current.setSettings(settings) },
    });
    this.#newChatButton.addEventListener("click", () => this.#newChat());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    this.#suggest(config.site.suggestions ?? WORDS.suggestions);
    followSidebar(this.#chats, config.chats);
    void this.#chats.start(this.#storage, id).then((question) => {
      if (question !== undefined) this.#send(question);
    });
  }

  get #conversation(): Conversation {
    return this.#chats.current;
  }

  show(status: Status): void {
    this.#files.offer();
    this.#composer.setMode(this.#remote?.isAnswering === true ? "busy" : this.#mayAskRemote ? "ready" : COMPOSER[status]);
    const empty = this.#conversation.messages.length === 0;
    this.#newChatButton.disabled = empty;
    this.#welcome.hidden = !empty || status !== "ready";
    this.#meter.show(this.#conversation.messages.findLast(({ tokens }) => tokens !== undefined)?.tokens, this.model.settings.contextLength);
  }

  /** A question that was written while the model loaded is answered now. */
  ready(isFresh: boolean): void {
    void this.#late.markdown.load(); // its answers want it, and nothing else is fetched any more
    if (isFresh) {
      this.#announce(WORDS.announce.ready);
      this.#composer.focus();
    }
    this.#answerWaiting();
  }

  #answerWaiting(): void {
    const { messages, isUnanswered } = this.#conversation;
    if (isUnanswered && messages.at(-1)?.id === this.#waiting) void this.#answerFrom(messages.length);
  }

  /** Id of the answer that is written here. */
  get writing(): string | undefined {
    return this.#answer?.id;
  }

  /** Another chat is shown. */
  changed(): void {
    const { messages, isUnanswered } = this.#conversation;
    this.#leaveEdit();
    this.#list.truncate(0);
    this.#shown = messages;
    void this.#list.restore(messages);
    this.#list.markBranches(this.#conversation.branches);
    this.#scroller.toEnd();
    this.model.hideProblem();
    this.#waiting = isUnanswered ? messages.at(-1)?.id : undefined;
    this.show(this.model.status);
    this.#answerWaiting();
  }

  /** Another tab has written in this chat. */
  merged(): void {
    this.#draw();
    this.show(this.model.status);
  }

  /** Draw what differs from what is drawn. */
  #draw(): void {
    const shown = this.#shown;
    const { messages } = this.#conversation;
    // With each piece of an answer all but one are what they were; another tab's are others that may say the same.
    const isSame = ({ id, text, ending, thought, calls }: ChatMessage, before: ChatMessage | undefined): boolean =>
      before?.id === id && before.text === text && before.ending === ending && before.thought === thought && JSON.stringify(before.calls) === JSON.stringify(calls);
    const other = messages.findIndex((message, index) => message !== shown[index] && !isSame(message, shown[index]));
    const same = other < 0 ? messages.length : other;
    const [last, former] = [messages[same], shown[same]];
    this.#shown = messages;
    if (last !== undefined && former?.id === last.id && former.ending === "open" && messages.length === same + 1 && shown.length === same + 1) {
      this.#list.updateLast(last);
      return;
    }
    if (shown.length > same) this.#list.truncate(same);
    for (const message of messages.slice(same)) this.#list.add(message);
    this.#list.markLeftOut(messages);
    this.#list.markBranches(this.#conversation.branches);
    if (this.#editing !== undefined && this.#editing >= same) this.#leaveEdit();
  }

  /** Whether the remote model is whom a question goes to now. */
  get #mayAskRemote(): boolean {
    if (this.#remote === undefined || this.model.status === "answering") return false;
    const { answers } = this.model.settings;
    return answers === "remote" || (answers === "auto" && this.model.status !== "ready" && !this.#remote.isRefused);
  }

  save(): void {
    if (this.#answer !== undefined) this.#answer.conversation.saveOpen(this.#answer.id);
    this.#chats.store.retry();
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
    const changed = this.#editing === undefined ? undefined : this.#conversation.messages[this.#editing];
    if (this.#editing !== undefined) this.#conversation.goBack(this.#editing);
    this.#leaveEdit();
    this.#waiting = this.#conversation.add({ role: "user", text, ending: "stop", ...withMore(changed, this.#files.take()) });
    this.#draw();
    this.save(); // it is a question now, and no draft
    this.#scroller.toEnd();
    if (this.model.status === "ready" || this.#mayAskRemote) void this.#answerFrom(this.#conversation.messages.length);
    else this.show(this.model.status);
  }

  /** End the answer that is written. */
  stop(): void {
    this.#remote?.stop();
    this.model.stop();
  }

  /** Answer the messages before `index`; what stood from there on stays as another branch. */
  async #answerFrom(index: number): Promise<void> {
    if (this.#remote?.isAnswering === true) return;
    if (this.#remote !== undefined && this.#mayAskRemote) await this.#answerThere(this.#remote, index);
    else await this.#answerHere(index);
  }

  /** Go on with the last answer, which was cut. */
  async #goOn(): Promise<void> {
    if (this.#conversation.isCut) await this.#answerFrom(this.#conversation.messages.length);
  }

  async #answerHere(index: number): Promise<void> {
    if (this.model.status !== "ready") return;
    this.#naming?.abort();
    const conversation = this.#conversation;
    const { turns, settings, take, end } = this.#beginAnswer(index);
    const by = this.#remote ? { by: WORDS.remote.device } : this.model.isOneOfSeveral ? { by: this.model.model.name } : undefined;
    await this.model.run(
      (engine, signal) => engine.chat(turns, settings, signal, (piece) => take(piece, by)),
      (outcome) => {
        const { ending, speed, tokens } = outcome;
        end({ ending, speed, ...(tokens !== undefined && { tokens }), ...by });
        if (givesNames(this.model.model.parameters, outcome)) void this.#name(conversation, settings);
      },
    );
  }

  /** Let the model name a chat whose first question it has answered. Who asks on ends that. */
  async #name(conversation: Conversation, settings: Settings): Promise<void> {
    const { id, record: { title }, messages: [question, ...others] } = conversation;
    if (question === undefined || others.length !== 1 || title !== titleOf(question.text)) return;
    const { signal } = this.#naming = new AbortController();
    const reader = new NameReader();
    await this.model.aside(askingForName(conversation.turns(), WORDS.chats.askName), settings, signal, (piece) => reader.take(piece));
    const { name } = reader;
    if (name === undefined || signal.aborted || conversation.record.title !== title) return;
    conversation.note({ title: name });
    this.#chats.change(id, { title: name });
  }

  /** By the remote model, where the visitor lets it; else the question waits for the model here. */
  async #answerThere(remote: LateRemote, index: number): Promise<void> {
    const conversation = this.#conversation;
    const last = conversation.messages.at(-1);
    const allows = await remote.allows(this.model.settings.answers === "remote").catch(() => false);
    if (conversation !== this.#conversation || last !== conversation.messages.at(-1)) return;
    if (!allows) {
      this.show(this.model.status);
      await this.#answerHere(index);
      return;
    }
    const { turns, settings, take, end } = this.#beginAnswer(index);
    let [by, isEmpty]: [Partial<Pick<Message, "by">>, boolean] = [{}, true];
    const answering = remote.answer({ turns, settings, host: this.model.host }, (piece, who) => {
      [by, isEmpty] = [{ by: who }, isEmpty && piece.text === "" && piece.thought === ""];
      take(piece, by);
    });
    this.show(this.model.status);
    const { ending, problem } = await answering;
    end({ ending, ...by });
    if (problem !== undefined) showNotice("remote", problem);
    if (problem !== undefined && isEmpty && this.#conversation === conversation) this.#goBack(index); // the question waits for the model here
    this.show(this.model.status);
    if (this.model.status === "ready") this.#answerWaiting();
  }

  /** A message that grows by what is taken, in its chat, whichever is shown. Behind an answer it is that answer, which goes on. */
  #beginAnswer(index: number): {
    readonly turns: readonly Turn[]; readonly settings: Settings; take(piece: Piece, by: Partial<Pick<Message, "by">> | undefined): void; end(rest: Omit<Message, "role" | "text">): void;
  } {
    this.#goBack(index);
    const conversation = this.#conversation;
    const turns = conversation.turns();
    const cut = conversation.isCut ? conversation.messages.at(-1) : undefined;
    const taken = new Taken(cut);
    const id = cut?.id ?? conversation.add({ role: "assistant", text: taken.text, ending: "open" });
    const leave = this.#chats.writes(id);
    const answer = this.#answer = { conversation, id };
    const write = (rest: Omit<Message, "role" | "text">): void => {
      conversation.replace(id, { role: "assistant", ...taken.said, ...rest });
      if (conversation === this.#conversation) this.#draw();
    };
    write({ ending: "open" });
    this.#scroller.toEnd();
    this.#announce(WORDS.announce.answering);
    return {
      turns,
      settings: { ...this.model.settings, ...conversation.settings },
      take: (piece, by) => {
        taken.take(piece);
        write({ ending: "open", ...by });
      },
      end: (rest) => {
        write(rest);
        if (this.#answer === answer) this.#answer = undefined;
        void this.#chats.store.save().then(leave);
        if (conversation === this.#conversation) this.#list.tellLast((text) => this.#announce(text));
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
    this.stop();
    this.#chats.begin();
    this.#composer.focus();
  }

  #goBack(index: number): void {
    this.#conversation.goBack(index);
    this.#draw();
  }

  #turnTo(index: number, by: number): void {
    if (this.#answer !== undefined) return;
    this.#conversation.turnTo(index, by);
    this.#draw();
    this.show(this.model.status);
  }

  #edit(index: number): void {
    if (this.model.status !== "ready") return;
    this.#editing = index;
    this.#composer.edit(this.#conversation.messages[index]?.text ?? "");
    this.#composer.focus();
  }

  #leaveEdit(): void {
    if (this.#editing === undefined) return;
    this.#editing = undefined;
    this.#composer.leaveEdit();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event) || document.querySelector("dialog:modal") !== null) return;
    if (this.model.status === "answering" || this.#remote?.isAnswering === true) this.stop();
    else if (this.#editing !== undefined) this.#leaveEdit();
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
