/** The page's address says which chat is shown: `#chat=ID`. `?q=` asks in a new one, once; `?new` opens one. All else in it stays. */

import { MAX_TITLE } from "./record.ts";

/** More does not fit into what all servers take, and was not written by a person. */
export const MAX_ASKED = 8000;

export interface Place {
  /** Undefined: a new chat. */
  readonly chat: string | undefined;
  /** A question to ask in it. */
  readonly question: string | undefined;
  /** What the address is once that is done. */
  readonly address: string;
}

export function readAddress(href: string): Place {
  const url = new URL(href);
  const asked = url.searchParams.get("q")?.trim().slice(0, MAX_ASKED);
  const isNew = url.searchParams.has("q") || url.searchParams.has("new");
  if (isNew) for (const name of ["q", "new"]) url.searchParams.delete(name);
  const id = new URLSearchParams(url.hash.slice(1)).get("chat")?.slice(0, MAX_TITLE);
  const chat = isNew || id === "" ? undefined : id;
  return { chat, question: asked === "" ? undefined : asked, address: addressOf(url.href, chat) };
}

/** The same page with this chat. */
export function addressOf(href: string, chat: string | undefined): string {
  const url = new URL(href);
  url.hash = chat === undefined ? "" : new URLSearchParams({ chat }).toString();
  return url.href;
}
