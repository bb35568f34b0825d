/** The dialog in which the user sets how the model answers. */

import { contextChoices, type Settings } from "../settings.ts";
import { byId, element } from "./dom.ts";

export interface SettingsActions {
  /** The dialog was closed with these values. */
  change(settings: Settings): void;
  deleteModel(): void;
}

export class SettingsDialog {
  readonly #dialog = byId("settings", HTMLDialogElement);
  readonly #systemPrompt = byId("system-prompt", HTMLTextAreaElement);
  readonly #temperature = byId("temperature", HTMLInputElement);
  readonly #topP = byId("top-p", HTMLInputElement);
  readonly #maxTokens = byId("max-tokens", HTMLInputElement);
  readonly #contextLength = byId("context-length", HTMLSelectElement);
  #settings: Settings;

  constructor(settings: Settings, defaults: Settings, modelContext: number, actions: SettingsActions) {
    this.#settings = settings;
    this.#contextLength.append(
      ...contextChoices(modelContext).map((length) => element("option", { value: String(length) }, length.toLocaleString("en"))),
    );
    byId("open-settings", HTMLButtonElement).addEventListener("click", () => {
      this.#fill(this.#settings);
      this.#dialog.showModal();
    });
    byId("settings-form", HTMLFormElement).addEventListener("input", () => this.#showValues());
    byId("reset-settings", HTMLButtonElement).addEventListener("click", () => this.#fill(defaults));
    byId("delete-model", HTMLButtonElement).addEventListener("click", () => {
      this.#dialog.close();
      actions.deleteModel();
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("close", () => {
      this.#settings = this.#read();
      actions.change(this.#settings);
    });
  }

  #fill(settings: Settings): void {
    this.#systemPrompt.value = settings.systemPrompt;
    this.#temperature.value = String(settings.temperature);
    this.#topP.value = String(settings.topP);
    this.#maxTokens.value = String(settings.maxTokens);
    this.#contextLength.value = String(settings.contextLength);
    this.#showValues();
  }

  #showValues(): void {
    byId("temperature-value", HTMLOutputElement).value = this.#temperature.valueAsNumber.toFixed(2);
    byId("top-p-value", HTMLOutputElement).value = this.#topP.valueAsNumber.toFixed(2);
  }

  /** A dialog can be left with a field that does not fit: that one keeps its former value. */
  #read(): Settings {
    return {
      systemPrompt: this.#systemPrompt.value,
      temperature: this.#temperature.valueAsNumber,
      topP: this.#topP.valueAsNumber,
      maxTokens: this.#maxTokens.validity.valid ? this.#maxTokens.valueAsNumber : this.#settings.maxTokens,
      contextLength: Number(this.#contextLength.value),
    };
  }
}
