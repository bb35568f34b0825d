/** What is kept of a chat, and how it is read: what was stored by another build, or comes from a file, is not trusted. */

import { Fields } from "../../support/fields.ts";
import { ENDINGS, ROLES, type Message } from "../../view/message.ts";
import { MAX_MEDIA, readMedia } from "../media_file.ts";
import { readTaken } from "../taken.ts";
import { readChatSettings, type ChatSettings } from "../settings.ts";

export interface ChatRecord {
  readonly id: string;
  /** "" until it has a question or a name. */
  readonly title: string;
  /** Milliseconds, as Date.now(). */
  readonly created: number;
  readonly updated: number;
  readonly pinned: boolean;
  /** When it was thrown away, until that can be taken back no more. */
  readonly deleted?: number | undefined;
  /** The message that the chat ends with, of the branch that is shown. */
  readonly leaf?: string | undefined;
  /** What this chat has otherwise than the page. */
  readonly settings?: ChatSettings | undefined;
}

/** A message in the tree of its chat: those with one parent are alternatives. */
export interface ChatMessage extends Message {
  readonly id: string;
  /** None for a first question. */
  readonly parent?: string | undefined;
  /** When it was begun; alternatives are shown in this order. */
  readonly at: number;
}

export interface Chat {
  readonly record: ChatRecord;
  readonly messages: readonly ChatMessage[];
}

export const MAX_CHATS = 10_000;
/** Of one chat. */
export const MAX_MESSAGES = 20_000;
export const MAX_TEXT = 1 << 23;
export const MAX_TITLE = 200;
const MAX_ATTACHMENTS = 100;
const MAX_ID = 64;

/** Not randomUUID: a page over http has none, and is to say what is wrong with it. */
export const newId = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export function newChat(): ChatRecord {
  const now = Date.now();
  return { id: newId(), title: "", created: now, updated: now, pinned: false };
}

export const fieldsOf = (value: unknown, path: string): Fields => new Fields(value, path, (message) => new Error(message));

/** Ids stand in addresses and lock names. */
function readId(fields: Fields, key: string): string {
  const id = fields.string(key, MAX_ID);
  if (!/^[\w-]+$/.test(id)) throw fields.wrong(key, "letters, digits, - and _");
  return id;
}

const MAX_TOKENS = 1 << 30;
const readTime = (fields: Fields, key: string): number => fields.number(key, 0, Number.MAX_SAFE_INTEGER);

/** Raises Error, with the field that is wrong. */
export function readRecord(fields: Fields): ChatRecord {
  return {
    id: readId(fields, "id"),
    title: fields.string("title", MAX_TITLE),
    created: readTime(fields, "created"),
    updated: readTime(fields, "updated"),
    pinned: fields.boolean("pinned"),
    deleted: fields.optional("deleted", (key) => readTime(fields, key)),
    leaf: fields.optional("leaf", (key) => readId(fields, key)),
    settings: fields.optional("settings", (key) => readChatSettings(fields.object(key))),
  };
}

/** What a message says, without its place in a tree. */
export function readSaid(fields: Fields): Message {
  return {
    role: fields.oneOf("role", ROLES),
    text: fields.string("text", MAX_TEXT),
    thought: fields.optional("thought", (key) => fields.string(key, MAX_TEXT)),
    ...readTaken(fields, MAX_TEXT),
    ending: fields.oneOf("ending", ENDINGS),
    speed: fields.optional("speed", (key) => fields.number(key, 0, 1e9)),
    tokens: fields.optional("tokens", (key) => fields.integer(key, 0, MAX_TOKENS)),
    by: fields.optional("by", (key) => fields.string(key, 1000)),
    leftOut: fields.optional("leftOut", (key) => fields.boolean(key)),
    attachments: fields.optional("attachments", (key) => fields.objects(key, MAX_ATTACHMENTS, (file) => (
      { name: file.string("name", 1000), text: file.string("text", MAX_TEXT) }))),
    pictures: fields.optional("pictures", (key) => fields.objects(key, MAX_MEDIA, (file) => readMedia(file, "picture"))),
    sounds: fields.optional("sounds", (key) => fields.objects(key, MAX_MEDIA, (file) => readMedia(file, "sound"))),
  };
}

export function readMessage(fields: Fields): ChatMessage {
  return {
    ...readSaid(fields),
    id: readId(fields, "id"),
    parent: fields.optional("parent", (key) => readId(fields, key)),
    at: readTime(fields, "at"),
  };
}

/** A line of what was asked first. */
export function titleOf(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  const cut = Array.from(line.slice(0, 2 * MAX_TITLE)).slice(0, 60).join("");
  return cut.length < line.length ? `${cut.trimEnd()}…` : cut;
}
