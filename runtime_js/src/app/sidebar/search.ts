/** Finds chats by what was said in them, whatever its case and accents. */

import type { ChatRecord } from "../chats/record.ts";
import type { ChatStore } from "../chats/store.ts";

const fold = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Those of `records` whose title or messages, of any branch, have all the words of `query`. isStale: whether nobody wants them any more. */
export async function search(store: ChatStore, records: readonly ChatRecord[], query: string, isStale: () => boolean): Promise<ChatRecord[]> {
  const words = fold(query).split(/\s+/).filter((word) => word !== "");
  const found: ChatRecord[] = [];
  for (const record of records) {
    const missing = words.filter((word) => !fold(record.title).includes(word));
    const said = missing.length === 0 ? [] : (await store.read(record.id))?.messages.map(({ text }) => fold(text)) ?? [];
    if (isStale()) return [];
    if (missing.every((word) => said.some((text) => text.includes(word)))) found.push(record);
  }
  return found;
}
