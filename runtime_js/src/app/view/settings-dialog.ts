/** The dialog in which the user sets how the model answers, in one chat or in all, and deletes it. */

import type { SiteModel } from "../../page/config.ts";
import type { Preset } from "../../page/site_words.ts";
import { LANGUAGES, LANGUAGE_NAMES } from "../../support/languages.ts";
import { byId, element } from "../../view/dom.ts";
import { safeStorage } from "../safe_storage.ts";
import { contextChoices, type ChatSettings, type Settings, type SettingsStore } from "../settings.ts";
import { chooseLanguage, chosenLanguage } from "../words/choice.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatNumber } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import { SettingsForm } from "./settings-form.ts";

/** Whom the settings are for. */
export interface SettingsUser {
  readonly settings: Settings;
  /** Where the settings of the model are kept that is chosen now. */
  readonly store: SettingsStore;
  readonly model: SiteModel;
  change(settings: Settings): void;
  delete(): Promise<void>;
}

/** A chat, which may have settings of its own. */
export interface ChatOfSettings {
  readonly settings: ChatSettings | undefined;
  setSettings(settings: ChatSettings | undefined): void;
}

/** Of the script that makes grammars. */
interface SchemaReader {
  /** Undefined: nothing is wrong. */
  schemaFault(schema: string): string | undefined;
}

export interface DialogParts {
  readonly presets: readonly Preset[];
  /** Absolute URL of the script that reads schemas. */
  readonly structure: string;
  /** Undefined where there is one text alone. */
  readonly chat: ChatOfSettings | undefined;
}

export class SettingsDialog {
  readonly #dialog = byId("settings", HTMLDialogElement);
  readonly #form = new SettingsForm();
  readonly #scope = byId("scope", HTMLSelectElement);
  readonly #preset = byId("preset", HTMLSelectElement);
  readonly #language = byId("language", HTMLSelectElement);
  readonly #storage = safeStorage(() => localStorage);
  readonly #user: SettingsUser;
  readonly #parts: DialogParts;

  constructor(user: SettingsUser, parts: DialogParts) {
    [this.#user, this.#parts] = [user, parts];
    this.#language.append(...LANGUAGES.map((name) => element("option", { value: name, lang: name }, LANGUAGE_NAMES[name])));
    this.#preset.append(...parts.presets.map(({ name }, index) => element("option", { value: String(index), dir: "auto" }, name)));
    byId("preset-choice", HTMLElement).hidden = parts.presets.length === 0;
    byId("scope-choice", HTMLElement).hidden = parts.chat === undefined;
    byId("open-settings", HTMLButtonElement).addEventListener("click", () => this.open());
    byId("reset-settings", HTMLButtonElement).addEventListener("click", () => this.#form.fill(user.store.defaults));
    this.#preset.addEventListener("change", () => this.#take(parts.presets[Number(this.#preset.value)]));
    // Done takes what was set; the cross and Esc leave everything as it was.
    byId("settings-form", HTMLFormElement).addEventListener("submit", (event) => {
      if (event.submitter?.id !== "save-settings") return;
      event.preventDefault();
      void this.#save();
    });
    // A click beside the dialog loses nothing that was written.
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog && this.#form.has(this.#settings)) this.#dialog.close();
    });
    this.#confirmDeletion();
  }

  open(): void {
    const { model, store } = this.#user;
    byId("context-length", HTMLSelectElement).replaceChildren(
      ...contextChoices(store.modelContext).map((length) => element("option", { value: String(length) }, formatNumber(length))),
    );
    byId("device-choice", HTMLElement).hidden = !model.runsOnCpu;
    this.#scope.value = this.#parts.chat?.settings === undefined ? "all" : "chat";
    this.#preset.value = "";
    this.#language.value = chosenLanguage(this.#storage) ?? "";
    this.#form.describe(model);
    this.#form.fill(this.#settings);
    this.#dialog.showModal();
  }

  /** Those that hold now. */
  get #settings(): Settings {
    return { ...this.#user.settings, ...this.#parts.chat?.settings };
  }

  #take(preset: Preset | undefined): void {
    if (preset !== undefined) byId("system-prompt", HTMLTextAreaElement).value = preset.text;
  }

  async #save(): Promise<void> {
    if (!await this.#form.checkSchema((schema) => this.#schemaFault(schema))) return;
    this.#dialog.close();
    const settings = this.#form.read();
    const { contextLength, device, answers, ...ofChat } = settings;
    const isOfChat = this.#scope.value === "chat";
    this.#parts.chat?.setSettings(isOfChat ? ofChat : undefined);
    const forAll = isOfChat ? { ...this.#user.settings, contextLength, device, answers } : settings;
    this.#user.store.save(forAll);
    this.#user.change(forAll);
    this.#speak();
  }

  /** Where the script does not come, the engine will tell. */
  async #schemaFault(schema: string): Promise<string | undefined> {
    const part: SchemaReader | undefined = await import(this.#parts.structure).catch(() => undefined);
    return part?.schemaFault(schema);
  }

  /** Another language needs another page. */
  #speak(): void {
    const language = LANGUAGES.find((name) => name === this.#language.value);
    if (language === chosenLanguage(this.#storage)) return;
    chooseLanguage(this.#storage, language);
    location.reload();
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
}
