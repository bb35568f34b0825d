/** What is stored on this device, as the page shows it when somebody wants to see it. */

import type { Model } from "./model.ts";
import type { StorageManager } from "./view/storage-manager.ts";
import { hideNotice, showNotice } from "./view/notice.ts";
import { byId } from "../view/dom.ts";
import { formatBytes, formatDate } from "./words/format.ts";
import { WORDS } from "./words/words.ts";

type Part = typeof import("./view/storage-manager.ts");

const WITH_A_MODEL = ["loading", "ready", "answering"];

/** Opens the list of what is stored by the button in the settings. script: its absolute URL. */
export function followStorage(script: string, model: Model): void {
  let manager: Promise<StorageManager> | undefined;
  let attempts = 0;
  const load = async (): Promise<StorageManager> => {
    const { StorageManager }: Part = await import(attempts++ === 0 ? script : `${script}#${attempts}`); // browsers remember an address that failed
    hideNotice("part");
    return new StorageManager({
      words: WORDS.storage, bytes: formatBytes, date: formatDate,
      running: () => (WITH_A_MODEL.includes(model.status) ? model.model.manifest : undefined),
      deleteRunning: () => model.delete(),
      changed: () => model.lookAgain(),
    });
  };
  byId("open-storage", HTMLButtonElement).addEventListener("click", () => {
    manager ??= load();
    manager.then((it) => it.open()).catch(() => { // it can be asked for again
      manager = undefined;
      showNotice("part", WORDS.notice.part);
    });
  });
}

/** Shows what is stored, to make room. */
export function openStorage(): void {
  byId("open-storage", HTMLButtonElement).click();
}
