/**
 * Chats as files. JSON has all of them: `{ format, version, exported, chats: [{ ...record, messages: [...] }] }`, with the fields of `record.ts`.
 * Markdown has what is shown of one. A file that is read is not trusted.
 */

import { parseJson } from "../../support/json.ts";
import { altOf } from "../../view/media.ts";
import { isSound, mediaOf, toldText } from "../../view/message.ts";
import { exported } from "../media_file.ts";
import { MAX_CHATS, MAX_MESSAGES, fieldsOf, readMessage, readRecord, type Chat, type ChatMessage } from "../chats/record.ts";
import type { ChatStore } from "../chats/store.ts";
import { MessageTree } from "../chats/tree.ts";
import type { ChatWords } from "./words.ts";

const FORMAT = "webllm-build chats";
const VERSION = 1;
/** Bytes of a file. */
export const MAX_FILE = 1 << 28;

export async function toJson(chats: readonly Chat[]): Promise<string> {
  const all = await Promise.all(chats.map(async ({ record: { deleted: _, ...record }, messages }) => ({ ...record, messages: await Promise.all(messages.map(withMedia)) })));
  return JSON.stringify({ format: FORMAT, version: VERSION, exported: new Date().toISOString(), chats: all }, null, 1);
}

async function withMedia(message: ChatMessage): Promise<object> {
  const { pictures, sounds } = message;
  return {
    ...message,
    ...(pictures !== undefined && { pictures: await Promise.all(pictures.map((file) => exported("picture", file))) }),
    ...(sounds !== undefined && { sounds: await Promise.all(sounds.map((file) => exported("sound", file))) }),
  };
}

/** Raises Error, with what does not fit. An answer that was being written then counts as stopped. */
export function fromJson(text: string): Chat[] {
  const fields = fieldsOf(parseJson(text) ?? {}, "");
  if (fields.raw("format") !== FORMAT) throw new Error(`it is no file of chats: its format is not "${FORMAT}"`);
  if (fields.integer("version", 1, 1e6) > VERSION) throw new Error("it was written by a newer version of this page; load the page again");
  return fields.objects("chats", MAX_CHATS, (chat) => ({
    record: { ...readRecord(chat), deleted: undefined },
    messages: chat.objects("messages", MAX_MESSAGES, readMessage).map((message) => (message.ending === "open" ? { ...message, ending: "abort" as const } : message)),
  }));
}

/** Add chats to those that there are. Of one that is there, what it lacks is added, and nothing of it is changed. */
export async function takeIn(store: ChatStore, chats: readonly Chat[]): Promise<void> {
  for (const { record, messages } of chats) {
    const former = await store.read(record.id);
    const known = new Set(former?.messages.map(({ id }) => id));
    const missing: ChatMessage[] = messages.filter(({ id }) => !known.has(id));
    if (former === undefined) store.put(record.id, record, messages);
    else store.put(record.id, { deleted: undefined }, missing);
  }
  await store.save();
}

export function toMarkdown({ record: { title, leaf }, messages }: Chat, words: ChatWords): string {
  const tree = new MessageTree(messages);
  const shown = tree.pathTo(tree.get(leaf) === undefined ? tree.latestBelow(undefined) : leaf);
  const parts = shown.map((message) => {
    const who = message.role === "user" ? words.you : message.by ?? words.model;
    const media = mediaOf(message).map((file) => `${isSound(file) ? "" : "!"}[${altOf(file).replace(/[[\]]/g, "")}](${encodeURIComponent(file.name)})\n\n`);
    return `## ${who}\n\n${media.join("")}${toldText(message).trim()}`;
  });
  return `# ${title === "" ? words.untitled : title}\n\n${parts.join("\n\n")}\n`;
}

/** A name that every file system takes. */
export function fileName(title: string, extension: "json" | "md"): string {
  const name = title.normalize("NFC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${Array.from(name).slice(0, 50).join("") || "chat"}.${extension}`;
}
