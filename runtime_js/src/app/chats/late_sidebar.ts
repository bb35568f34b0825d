/** The list of chats, which comes when it is wanted: where there is room beside the page, as soon as there are chats. */

import { byId } from "../../view/dom.ts";
import { latePart } from "../late_part.ts";
import { safeStorage } from "../safe_storage.ts";
import { showNotice } from "../view/notice.ts";
import { formatPlural } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import type { Chats } from "./chats.ts";

type Part = typeof import("../sidebar/main.ts");

const KEY = "webllm-build:list";

/** script: absolute URL of the list's. */
export function followSidebar(chats: Chats, script: string): void {
  const load = latePart<Part>(script);
  const wide = matchMedia("(min-width: 64rem)");
  const storage = safeStorage(() => localStorage);
  let sidebar: InstanceType<Part["Sidebar"]> | undefined;
  /** moves: somebody asked for it. */
  const show = async (moves: boolean): Promise<void> => {
    const part = await load(moves);
    if (part === undefined) return;
    sidebar ??= new part.Sidebar({
      chats, words: WORDS.chats,
      imported: (count) => formatPlural(WORDS.chats.imported, count),
      tell: (text) => showNotice("file", text),
    }, wide);
    if (!sidebar.isOpen) sidebar.show(moves);
  };
  byId("open-chats", HTMLButtonElement).addEventListener("click", () => {
    const opens = sidebar?.isOpen !== true;
    if (wide.matches) storage.set(KEY, opens ? "open" : "closed");
    if (opens) void show(true);
    else sidebar?.hide();
  });
  const showUnasked = async (): Promise<void> => {
    if (wide.matches && storage.get(KEY) !== "closed" && (await chats.store.records()).some(({ deleted }) => deleted === undefined)) await show(false);
  };
  wide.addEventListener("change", () => void showUnasked());
  void showUnasked();
}
