/** The chat that the page shows: its messages are the way through their tree to the one that it ends with. Each change is kept. */

import type { Branch } from "../view/branches.ts";
import { isCut, turnsOf, type Message, type Turn } from "../view/message.ts";
import { newChat, newId, titleOf, type Chat, type ChatMessage, type ChatRecord } from "./chats/record.ts";
import { MessageTree } from "./chats/tree.ts";

/** Where it is kept. */
export interface Keeper {
  put(id: string, record: Partial<ChatRecord>, messages?: readonly ChatMessage[]): void;
}

export class Conversation {
  readonly #keeper: Keeper;
  #record: ChatRecord;
  #tree: MessageTree;
  #messages: readonly ChatMessage[];
  /** A chat without questions is not kept. */
  #isKept: boolean;
  #isLost = false;
  /** An answer that says nothing is no alternative: the next one takes its place. */
  #empty: ChatMessage | undefined;
  /** The open message as it was kept. */
  #saved: ChatMessage | undefined;

  /** Without a chat it is a new one. */
  constructor(keeper: Keeper, chat?: Chat) {
    this.#keeper = keeper;
    this.#record = chat?.record ?? newChat();
    this.#isKept = chat !== undefined;
    this.#tree = new MessageTree(chat?.messages);
    const { leaf } = this.#record;
    this.#messages = this.#tree.pathTo(this.#tree.get(leaf) === undefined ? this.#tree.latestBelow(undefined) : leaf);
  }

  get record(): ChatRecord {
    return this.#record;
  }

  get id(): string {
    return this.#record.id;
  }

  /** Those of the branch that is shown. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  get branches(): readonly Branch[] {
    return this.#messages.map((message) => this.#tree.branchOf(message));
  }

  /** A question that nobody has answered is the last message. */
  get isUnanswered(): boolean {
    return this.#messages.at(-1)?.role === "user";
  }

  /** The last message is an answer that was cut. */
  get isCut(): boolean {
    const last = this.#messages.at(-1);
    return last !== undefined && last.leftOut !== true && isCut(last);
  }

  /** What the model is told. */
  turns(): Turn[] {
    return turnsOf(this.#messages);
  }

  /** Add a message behind the last one; gives its id. */
  add(message: Message): string {
    const parent = this.#messages.at(-1)?.id;
    const { id, at } = message.role === "assistant" && this.#empty !== undefined && this.#empty.parent === parent ? this.#empty : { id: newId(), at: this.#now() };
    const added: ChatMessage = { ...message, id, at, ...(parent !== undefined && { parent }) };
    this.#empty = undefined;
    this.#messages = [...this.#messages, added];
    if (this.#isLost) this.keepAll();
    this.#keep([added], this.#record.title === "" && message.role === "user" ? { title: titleOf(message.text) } : {});
    return id;
  }

  /** Say a message in another way. One that is finished is kept at once, an open one when `saveOpen` is called. */
  replace(id: string, message: Message): void {
    const former = this.#tree.get(id);
    if (former === undefined) return;
    const { parent, at } = former;
    const changed: ChatMessage = { ...message, id, at, ...(parent !== undefined && { parent }) };
    this.#tree.put(changed);
    this.#messages = this.#messages.map((one) => (one.id === id ? changed : one));
    if (message.ending !== "open") this.#keep([changed]);
  }

  /** Go back to before the message of this index, for another in its place. Where the model was told nothing of what is left, it is told again. */
  goBack(index: number): void {
    const dropped = this.#messages[index];
    if (dropped === undefined) return;
    this.#empty = dropped.text === "" && (dropped.thought ?? "") === "" ? dropped : undefined;
    this.#messages = this.#messages.slice(0, index);
    const isAllLeftOut = this.#messages.every(({ leftOut }) => leftOut);
    if (isAllLeftOut) this.#messages = this.#messages.map((message) => ({ ...message, leftOut: false }));
    this.#keep(isAllLeftOut ? this.#messages : []);
  }

  /** Show another alternative to the message of this index, with what was written last behind it. by: -1 or 1. */
  turnTo(index: number, by: number): void {
    const message = this.#messages[index];
    if (message === undefined) return;
    const all = this.#tree.alternatives(message);
    const other = all[all.indexOf(message.id) + by];
    if (other === undefined) return;
    this.#messages = this.#tree.pathTo(this.#tree.latestBelow(other));
    this.#keep([]);
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
    this.#keep(this.#messages.slice(0, end));
  }

  /** What this chat has otherwise than the page. */
  get settings(): ChatRecord["settings"] {
    return this.#record.settings;
  }

  setSettings(settings: ChatRecord["settings"]): void {
    this.#record = { ...this.#record, settings };
    if (this.#isKept) this.#keeper.put(this.id, { settings });
  }

  /** Keep what there is of an answer that is still being written. */
  saveOpen(id: string): void {
    const message = this.#tree.get(id);
    if (message?.ending === "open" && message !== this.#saved) this.#keeper.put(this.id, {}, [message]);
    this.#saved = message;
  }

  /** What another part of the page has changed and kept. */
  note(changes: Partial<ChatRecord>): void {
    this.#record = { ...this.#record, ...changes };
  }

  /**
   * Take over what another tab has kept. Who stands at the end of the chat goes along with it.
   * writing: the id of the message that this page writes, of which it alone knows.
   */
  merge({ record, messages }: Chat, writing: string | undefined): void {
    const { leaf } = this.#record;
    for (const message of messages) if (message.id !== writing) this.#tree.put(message);
    const goesAlong = writing === undefined && this.#tree.pathTo(record.leaf).some(({ id }) => id === leaf);
    this.#record = { ...record, leaf: goesAlong ? record.leaf : leaf };
    this.#messages = this.#tree.pathTo(this.#record.leaf);
    this.#isLost = false;
  }

  /** Another tab has deleted it: who goes on with it keeps it. */
  lose(): void {
    this.#isLost = true;
  }

  /** Keep all of it, whatever became of what was kept. */
  keepAll(): void {
    this.#isLost = this.#isKept = false;
    this.#record = { ...this.#record, deleted: undefined };
    this.#keep([]);
  }

  #keep(messages: readonly ChatMessage[], more: Partial<ChatRecord> = {}): void {
    for (const message of messages) this.#tree.put(message);
    const changes = { leaf: this.#messages.at(-1)?.id, updated: Date.now(), ...more };
    this.#record = { ...this.#record, ...changes };
    if (this.#isKept) this.#keeper.put(this.id, changes, messages);
    else this.#keeper.put(this.id, this.#record, this.#tree.all);
    this.#isKept = true;
  }

  /** Later than all before it, also where the clock was set back. */
  #now(): number {
    return Math.max(Date.now(), this.#tree.latest + 1);
  }

  #lastQuestion(): number {
    return this.#messages.findLastIndex(({ role }) => role === "user");
  }

  #earlierQuestions(): number[] {
    const last = this.#lastQuestion();
    return this.#messages.flatMap(({ role, leftOut }, index) => (role === "user" && leftOut !== true && index < last ? [index] : []));
  }
}
