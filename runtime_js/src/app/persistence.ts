/** The browser is asked to keep the model once it has answered: who is asked then knows what for, and is told why. */

import { askForPersistence } from "../storage/quota.ts";
import { showNotice } from "./view/notice.ts";
import { WORDS } from "./words/words.ts";

/** A browser that decides by itself does so at once. */
const DECIDED_MS = 200;

export function askToKeep(): void {
  const answered = askForPersistence();
  let isAnswered = false;
  let close = (): void => undefined;
  void answered.finally(() => {
    isAnswered = true;
    close();
  });
  setTimeout(() => { if (!isAnswered) close = showNotice("persist", WORDS.notice.keepModel); }, DECIDED_MS);
}
