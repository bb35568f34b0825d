/** Which tab the panel of a window is about. It is kept until the browser is closed, as the service worker may end at any time. */

export interface ChosenTab {
  readonly id: number;
  readonly url: string;
  readonly title: string;
}

const keyOf = (windowId: number): string => `tab of window ${windowId}`;

export async function choose({ id, windowId }: chrome.tabs.Tab): Promise<void> {
  // With the time, so that a second click on the same tab is a change, too.
  await chrome.storage.session.set({ [keyOf(windowId)]: { id, at: Date.now() } });
}

/** Undefined where none was chosen, or it is gone, or shows by now what the click does not allow to read. */
export async function chosenTab(windowId: number): Promise<ChosenTab | undefined> {
  const key = keyOf(windowId);
  const { [key]: chosen } = await chrome.storage.session.get<Record<string, { id?: number }>>(key);
  if (chosen?.id === undefined) return undefined;
  const tab = await chrome.tabs.get(chosen.id).catch(() => undefined);
  return tab?.url === undefined ? undefined : { id: chosen.id, url: tab.url, title: tab.title ?? "" };
}

/** Calls back when another tab is chosen in the window, or when one that may be read has loaded another page. */
export function onChoice(windowId: number, changed: () => void): void {
  chrome.storage.session.onChanged.addListener((changes) => { if (keyOf(windowId) in changes) changed(); });
  chrome.tabs.onUpdated.addListener((_, { status }, tab) => { if (status === "complete" && tab.windowId === windowId) changed(); });
  chrome.tabs.onRemoved.addListener((_, { windowId: from }) => { if (from === windowId) changed(); });
}

/** Longer than what any model here can read. */
const MOST_CHARACTERS = 400_000;

/** Runs beside the page, so it may use nothing from here. */
function visibleText(most: number): string {
  const text: unknown = document.body?.innerText;
  return typeof text === "string" ? text.slice(0, most) : "";
}

/** What a reader sees of the page. Raises an Error that says what to do. */
export async function textOf({ id }: ChosenTab): Promise<string> {
  let results;
  try {
    results = await chrome.scripting.executeScript({ target: { tabId: id }, func: visibleText, args: [MOST_CHARACTERS] });
  } catch {
    throw new Error("This page may not be read. Click the extension's button on it first; the browser's own pages and its store are closed to extensions.");
  }
  const text = results[0]?.result?.trim() ?? "";
  if (text === "") throw new Error("There is no text on this page.");
  return text;
}
