/** What is stored on this device, as the page shows it when somebody wants to see it. */

import type { Model } from "./model.ts";
import type { StorageManager } from "./view/storage-manager.ts";
import { latePart } from "./late_part.ts";
import { storageButton } from "./open_storage.ts";
import { showNotice } from "./view/notice.ts";
import { formatBytes, formatDate } from "./words/format.ts";
import { WORDS } from "./words/words.ts";

type Part = typeof import("./view/storage-manager.ts");

const WITH_A_MODEL = ["loading", "ready", "answering"];

/** Opens the list of what is stored by the button in the settings. script: its absolute URL. */
export function followStorage(script: string, model: Model): void {
  const load = latePart<Part>(script);
  let manager: StorageManager | undefined;
  const open = async (): Promise<void> => {
    const part = await load();
    if (part === undefined) return;
    manager ??= new part.StorageManager({
      words: WORDS.storage, bytes: formatBytes, date: formatDate,
      running: () => (WITH_A_MODEL.includes(model.status) ? model.model.manifest : undefined),
      deleteRunning: () => model.delete(),
      changed: () => model.lookAgain(),
    });
    await manager.open();
  };
  storageButton().addEventListener("click", () => {
    open().catch(() => showNotice("part", WORDS.notice.part));
  });
}
