/** The dialog in which the user sets how the model answers, and deletes it. */

import { DEVICES } from "../../executor/devices.ts";
import { ANSWERS, contextChoices, type Settings, type SettingsStore } from "../settings.ts";
import type { SiteModel } from "../../page/config.ts";
import { byId, element } from "../../view/dom.ts";
import { LANGUAGES, LANGUAGE_NAMES } from "../../support/languages.ts";
import { safeStorage } from "../safe_storage.ts";
import { chooseLanguage, chosenLanguage } from "../words/choice.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatNumber } from "../words/format.ts";
import { WORDS } from "../words/words.ts";

/** Whom the settings are for. */
export interface SettingsUser {
  readonly settings: Settings;
  /** Where the settings of the model are kept that is chosen now. */
  readonly store: SettingsStore;
  readonly model: SiteModel;
  change(settings: Settings): void;
  delete(): Promise<void>;
}

export class SettingsDialog {
  readonly #dialog = byId("settings", HTMLDialogElement);
  readonly #systemPrompt = byId("system-prompt", HTMLTextAreaElement);
  readonly #temperature = byId("temperature", HTMLInputElement);
  readonly #topP = byId("top-p", HTMLInputElement);
  readonly #topK = byId("top-k", HTMLInputElement);
  readonly #minP = byId("min-p", HTMLInputElement);
  readonly #repetitionPenalty = byId("repetition-penalty", HTMLInputElement);
  readonly #maxTokens = byId("max-tokens", HTMLInputElement);
  readonly #contextLength = byId("context-length", HTMLSelectElement);
  readonly #device = byId("device", HTMLSelectElement);
  /** Of a site with a remote model. */
  readonly #answers = document.querySelector<HTMLSelectElement>("select#answers");
  readonly #language = byId("language", HTMLSelectElement);
  readonly #storage = safeStorage(() => localStorage);
  readonly #user: SettingsUser;

  constructor(user: SettingsUser) {
    this.#user = user;
    this.#language.append(...LANGUAGES.map((name) => element("option", { value: name, lang: name }, LANGUAGE_NAMES[name])));
    byId("open-settings", HTMLButtonElement).addEventListener("click", () => this.open());
    byId("settings-form", HTMLFormElement).addEventListener("input", () => this.#showValues());
    byId("reset-settings", HTMLButtonElement).addEventListener("click", () => this.#fill(user.store.defaults));
    // Done takes what was set; the cross and Esc leave everything as it was.
    byId("settings-form", HTMLFormElement).addEventListener("submit", (event) => {
      if (event.submitter?.id !== "save-settings") return;
      const settings = this.#read();
      user.store.save(settings);
      user.change(settings);
      this.#speak();
    });
    // A click beside the dialog loses nothing that was written.
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog && JSON.stringify(this.#read()) === JSON.stringify(user.settings)) this.#dialog.close();
    });
    this.#confirmDeletion();
  }

  /** Another language needs another page. */
  #speak(): void {
    const language = LANGUAGES.find((name) => name === this.#language.value);
    if (language === chosenLanguage(this.#storage)) return;
    chooseLanguage(this.#storage, language);
    location.reload();
  }

  open(): void {
    const { model, store } = this.#user;
    this.#contextLength.replaceChildren(
      ...contextChoices(store.modelContext).map((length) => element("option", { value: String(length) }, formatNumber(length))),
    );
    byId("device-choice", HTMLElement).hidden = !model.runsOnCpu;
    this.#fill(this.#user.settings);
    this.#dialog.showModal();
  }

  #confirmDeletion(): void {
    const confirm = byId("confirm-delete", HTMLDialogElement);
    byId("delete-model", HTMLButtonElement).addEventListener("click", () => {
      byId("confirm-delete-text", HTMLElement).textContent = fill(WORDS.deleteText, { size: formatBytes(this.#user.model.downloadBytes) });
      confirm.showModal();
    });
    byId("confirm-delete-form", HTMLFormElement).addEventListener("submit", (event) => {
      if (event.submitter?.id !== "delete-confirmed") return;
      this.#dialog.close();
      void this.#user.delete();
    });
  }

  #fill(settings: Settings): void {
    this.#systemPrompt.value = settings.systemPrompt;
    this.#temperature.value = String(settings.temperature);
    this.#topP.value = String(settings.topP);
    this.#topK.value = String(settings.topK);
    this.#minP.value = String(settings.minP);
    this.#repetitionPenalty.value = String(settings.repetitionPenalty);
    this.#maxTokens.value = String(settings.maxTokens);
    this.#contextLength.value = String(settings.contextLength);
    this.#device.value = settings.device;
    if (this.#answers !== null) this.#answers.value = settings.answers;
    this.#language.value = chosenLanguage(this.#storage) ?? "";
    this.#showValues();
  }

  #showValues(): void {
    byId("temperature-value", HTMLOutputElement).value = this.#temperature.valueAsNumber.toFixed(2);
    byId("top-p-value", HTMLOutputElement).value = this.#topP.valueAsNumber.toFixed(2);
  }

  #read(): Settings {
    return {
      systemPrompt: this.#systemPrompt.value,
      temperature: this.#temperature.valueAsNumber,
      topP: this.#topP.valueAsNumber,
      topK: this.#topK.valueAsNumber,
      minP: this.#minP.valueAsNumber,
      repetitionPenalty: this.#repetitionPenalty.valueAsNumber,
      maxTokens: this.#maxTokens.valueAsNumber,
      contextLength: Number(this.#contextLength.value),
      device: DEVICES.find((device) => device === this.#device.value) ?? "auto",
      answers: ANSWERS.find((answers) => answers === this.#answers?.value) ?? "auto",
    };
  }
}
