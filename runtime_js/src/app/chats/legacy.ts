/** Former builds kept one conversation for each tab and model, as a list in the tab's own storage. */

import type { SafeStorage } from "../safe_storage.ts";
import { MAX_MESSAGES, fieldsOf, newChat, newId, readSaid, titleOf, type Chat, type ChatMessage } from "./record.ts";

const KEY = "webllm-build:conversation";

/** Undefined where there is none. An answer cut off by the end of its page counts as stopped. */
export function readLegacy(storage: SafeStorage, modelId: string): Chat | undefined {
  try {
    const said = fieldsOf({ messages: JSON.parse(storage.get(`${KEY}:${modelId}`) ?? "[]") }, "").objects("messages", MAX_MESSAGES, readSaid);
    const record = newChat();
    const messages: ChatMessage[] = [];
    for (const message of said) {
      const parent = messages.at(-1)?.id;
      const ending = message.ending === "open" ? "abort" : message.ending;
      messages.push({ ...message, ending, id: newId(), at: record.created + messages.length, ...(parent !== undefined && { parent }) });
    }
    const first = messages.find(({ role }) => role === "user");
    return messages.length === 0 ? undefined : { record: { ...record, title: titleOf(first?.text ?? ""), leaf: messages.at(-1)?.id }, messages };
  } catch {
    return undefined;
  }
}

export function forgetLegacy(storage: SafeStorage, modelId: string): void {
  storage.set(`${KEY}:${modelId}`, "[]");
}
