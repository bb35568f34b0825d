/** What was asked about each page, until the browser is closed. It is in memory alone. */

import type { Turn } from "./prompt";

const MOST_PAGES = 20;
const MOST_TURNS = 50;

interface Conversation {
  readonly at: number;
  readonly turns: readonly Turn[];
}

const PREFIX = "page ";

function keyOf(url: string): string {
  const address = new URL(url);
  address.hash = "";
  return PREFIX + address.href;
}

export async function turnsOf(url: string): Promise<readonly Turn[]> {
  const key = keyOf(url);
  return (await chrome.storage.session.get<Record<string, Conversation>>(key))[key]?.turns ?? [];
}

export async function keep(url: string, turns: readonly Turn[]): Promise<void> {
  await chrome.storage.session.set({ [keyOf(url)]: { at: Date.now(), turns: turns.slice(-MOST_TURNS) } satisfies Conversation });
  const all = Object.entries(await chrome.storage.session.get<Record<string, Conversation>>(null)).filter(([key]) => key.startsWith(PREFIX));
  const oldest = all.sort(([, a], [, b]) => b.at - a.at).slice(MOST_PAGES).map(([key]) => key);
  if (oldest.length > 0) await chrome.storage.session.remove(oldest);
}

export async function forget(url: string): Promise<void> {
  await chrome.storage.session.remove(keyOf(url));
}
