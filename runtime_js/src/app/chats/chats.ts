/** Which chat the page shows, by its address, and what becomes of chats here and in other tabs. */

import { inTime } from "../../support/patience.ts";
import { Conversation, type Keeper } from "../conversation.ts";
import type { SafeStorage } from "../safe_storage.ts";
import { showNotice } from "../view/notice.ts";
import { addressOf, readAddress } from "./address.ts";
import { forgetLegacy, readLegacy } from "./legacy.ts";
import type { Chat, ChatMessage, ChatRecord } from "./record.ts";
import { UNDO_MS, type ChatStore } from "./store.ts";
import { fill } from "../words/fill.ts";
import { WORDS } from "../words/words.ts";
import type { Writers } from "./writers.ts";

/** The page, which shows the current chat. */
export interface ChatsUser {
  /** Id of the message that it writes. */
  readonly writing: string | undefined;
  /** Another chat is the current one. */
  changed(): void;
  /** The current one has other messages, or others of its own. */
  merged(): void;
  /** End the answer that it writes. */
  stop(): void;
}

/** Storage that does not answer keeps nobody from asking. */
const PATIENCE_MS = 3000;

export class Chats {
  readonly store: ChatStore;
  readonly #writers: Writers;
  readonly #user: ChatsUser;
  readonly #keeper: Keeper;
  #current: Conversation;
  /** Counts what was opened, so that what comes late does not take its place. */
  #turn = 0;
  /** Open messages of others that this page waits for. */
  readonly #watched = new Set<string>();
  readonly #onOther: (() => void)[] = [];
  #closeNotice: (() => void) | undefined;

  constructor(store: ChatStore, writers: Writers, user: ChatsUser) {
    this.store = store;
    this.#writers = writers;
    this.#user = user;
    this.#keeper = {
      put: (id, record, messages) => {
        store.put(id, record, messages);
        if (id === this.#current.id) this.#setAddress(id, "replaceState");
      },
    };
    this.#current = new Conversation(this.#keeper);
    store.follow((id, byOther) => {
      if (byOther && id === this.#current.id) void this.#merge(id);
    });
    addEventListener("popstate", () => void this.#openPlace());
  }

  /** onOther: called when another chat is the current one. */
  follow(onOther: () => void): void {
    this.#onOther.push(onOther);
  }

  /** Take over what was imported. */
  async reread(): Promise<void> {
    if (this.#current.messages.length > 0) await this.#merge(this.#current.id);
  }

  get current(): Conversation {
    return this.#current;
  }

  /** Show what the address asks for, or what a former build has left in the tab; gives the question that the address asks. */
  async start(tab: SafeStorage, modelId: string): Promise<string | undefined> {
    const { question, chat, address } = readAddress(location.href);
    this.#replaceAddress(address, "replaceState");
    const left = readLegacy(tab, modelId);
    if (left !== undefined) {
      this.store.put(left.record.id, left.record, left.messages);
      void this.store.save().then(() => {
        if (this.store.isSaved) forgetLegacy(tab, modelId);
      });
    }
    if (left !== undefined && chat === undefined && question === undefined) this.#show(left);
    else await inTime(this.#openPlace(), PATIENCE_MS);
    void this.store.purge();
    return question;
  }

  /** An empty chat. */
  begin(): void {
    this.#setAddress(undefined, "pushState");
    this.#show(undefined);
  }

  open(id: string): void {
    this.#setAddress(id, "pushState");
    void this.#openPlace();
  }

  /** This page writes the message until what it gives is called: to other tabs it still comes. */
  writes(message: string): () => void {
    return this.#writers.begin(message);
  }

  /** Rename or pin. */
  change(id: string, changes: Pick<Partial<ChatRecord>, "title" | "pinned">): void {
    if (id === this.#current.id) this.#current.note(changes);
    this.store.put(id, changes);
  }

  /** It can be taken back as long as the notice stands. */
  delete({ id, title }: ChatRecord): void {
    const wasCurrent = id === this.#current.id;
    if (wasCurrent) this.begin();
    this.store.put(id, { deleted: Date.now() });
    const passed = setTimeout(() => {
      close();
      void this.store.purge();
    }, UNDO_MS);
    const close = showNotice("deleted", fill(WORDS.chats.deleted, { title: title === "" ? WORDS.chats.untitled : title }), {
      label: WORDS.chats.undo,
      press: () => {
        clearTimeout(passed);
        this.store.put(id, { deleted: undefined });
        if (wasCurrent && this.#current.messages.length === 0) this.open(id);
      },
    });
  }

  async #openPlace(): Promise<void> {
    const { chat } = readAddress(location.href);
    const turn = ++this.#turn;
    if (chat === this.#current.id || (chat === undefined && location.hash !== "")) return; // another place on the page
    const found = chat === undefined ? undefined : await this.store.read(chat);
    if (turn !== this.#turn || readAddress(location.href).chat !== chat) return; // somebody has gone on
    if (found !== undefined && found.record.deleted === undefined) {
      this.#show(found);
      return;
    }
    if (chat !== undefined) {
      showNotice("chats", WORDS.chats.missing);
      this.#setAddress(undefined, "replaceState");
    }
    this.#show(undefined);
  }

  #show(chat: Chat | undefined): void {
    this.#turn += 1;
    this.#user.stop();
    this.#closeNotice?.();
    this.#current = new Conversation(this.#keeper, chat);
    if (chat !== undefined) this.#watch(chat);
    this.#user.changed();
    for (const tell of this.#onOther) tell();
  }

  /** Another tab has changed the current chat. */
  async #merge(id: string): Promise<void> {
    const chat = await this.store.read(id);
    const current = this.#current;
    if (id !== current.id) return;
    this.#closeNotice?.();
    if (chat === undefined || chat.record.deleted !== undefined) {
      current.lose();
      this.#user.stop();
      this.#closeNotice = showNotice("deleted", WORDS.chats.deletedElsewhere, { label: WORDS.chats.keep, press: () => current.keepAll() });
      return;
    }
    current.merge(chat, this.#user.writing);
    this.#watch(chat);
    this.#user.merged();
  }

  /** Answers that nobody writes any more are stopped ones. */
  #watch({ record: { id: chat }, messages }: Chat): void {
    for (const { id, ending } of messages) {
      if (ending !== "open" || id === this.#user.writing || this.#watched.has(id)) continue;
      this.#watched.add(id);
      this.#writers.whenLeft(id, () => void this.#end(chat, id));
    }
  }

  async #end(chat: string, id: string): Promise<void> {
    this.#watched.delete(id);
    const isLeft = (message: ChatMessage): boolean => message.id === id && message.ending === "open" && id !== this.#user.writing;
    const left = (await this.store.read(chat))?.messages.find(isLeft);
    if (left === undefined) return;
    if (chat !== this.#current.id) {
      this.store.put(chat, {}, [{ ...left, ending: "abort" }]);
      return;
    }
    this.#current.replace(id, { ...left, ending: "abort" });
    this.#user.merged();
  }

  #setAddress(chat: string | undefined, how: "pushState" | "replaceState"): void {
    this.#replaceAddress(addressOf(location.href, chat), how);
  }

  #replaceAddress(address: string, how: "pushState" | "replaceState"): void {
    try {
      if (address !== location.href) history[how](null, "", address);
    } catch { // a frame may not
    }
  }
}
