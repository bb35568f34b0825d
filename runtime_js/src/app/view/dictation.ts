/** The button that writes what is said, where the browser hears on this device. */

import type { Composer } from "../../view/composer.ts";
import { byId } from "../../view/dom.ts";
import { Dictation, findRecognition } from "../voice.ts";
import { LOCALE } from "../words/words.ts";

export function offerDictation(composer: Composer): void {
  const button = byId("dictate", HTMLButtonElement);
  void findRecognition(LOCALE).then((recognition) => {
    if (recognition === undefined) return;
    const dictation = new Dictation(recognition, LOCALE);
    button.hidden = false;
    button.addEventListener("click", () => {
      if (dictation.isRunning) {
        dictation.stop();
        return;
      }
      const written = composer.draft === "" ? "" : `${composer.draft.trimEnd()} `;
      button.setAttribute("aria-pressed", "true");
      dictation.start((heard) => { composer.draft = written + heard; }, () => button.setAttribute("aria-pressed", "false"));
    });
  });
}
