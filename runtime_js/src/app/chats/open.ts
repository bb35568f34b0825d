/** The chats of this site, where this browser keeps them. */

import { thisSite } from "../safe_storage.ts";
import { hideNotice, showNotice } from "../view/notice.ts";
import { Chats, type ChatsUser } from "./chats.ts";
import { Database } from "./database.ts";
import { ChatStore, type Refused } from "./store.ts";
import { WORDS } from "../words/words.ts";
import { Writers } from "./writers.ts";

/** Who has said nothing yet loses nothing where the browser keeps nothing. */
const tell: Refused = (error, doing) => {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "VersionError") showNotice("chats", WORDS.chats.newer);
  else if (doing === "write") showNotice("chats", name === "QuotaExceededError" ? WORDS.chats.full : WORDS.chats.refused);
};

/** Undefined where pages cannot speak to each other. */
function channel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}

export function openChats(user: ChatsUser): Chats {
  const name = `webllm-build:chats${thisSite()}`;
  let isRefused = false;
  const store = new ChatStore(new Database(name), channel(name), (error, doing) => {
    isRefused ||= doing === "write";
    tell(error, doing);
  });
  store.follow((_, byOther) => {
    if (byOther || !isRefused) return;
    isRefused = false; // what was refused is written
    hideNotice("chats");
  });
  return new Chats(store, new Writers(), user);
}
