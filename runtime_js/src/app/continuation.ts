/** The page of a model that does not chat: one text, which the model continues. */

import type { PageConfig } from "../page/config.ts";
import type { Outcome } from "./engine.ts";
import { safeStorage, type SafeStorage } from "./safe_storage.ts";
import { Model, type Status, type Task } from "./model.ts";
import { byId, element } from "../view/dom.ts";
import { isComposing } from "../view/keys.ts";
import { SettingsDialog } from "./view/settings-dialog.ts";
import { Sheet } from "./view/sheet.ts";
import { fill } from "./words/fill.ts";
import { formatNumber } from "./words/format.ts";
import { WORDS } from "./words/words.ts";

const KEY = "webllm-build:text";

export class Continuation implements Task {
  readonly model: Model;
  readonly #storage: SafeStorage;
  readonly #key: string;
  readonly #sheet: Sheet;
  readonly #settingsDialog: SettingsDialog;
  readonly #go = byId("continue", HTMLButtonElement);
  readonly #stop = byId("stop", HTMLButtonElement);
  readonly #undo = byId("undo", HTMLButtonElement);
  readonly #new = byId("new-chat", HTMLButtonElement);
  readonly #outcome = byId("outcome", HTMLElement);
  readonly #welcome = byId("welcome", HTMLElement);
  #saved: string;
  /** The text before the latest continuation, or before it was emptied. */
  #before: string | undefined;
  /** Characters at the beginning that the model is not told any more: there is no room for them. */
  #leftOut = 0;
  /** It was asked to go on before it was ready. */
  #isWanted = false;

  constructor(config: PageConfig) {
    const { id } = config.models[0]; // of the site: what was written stays whichever model is chosen
    this.#storage = safeStorage(() => sessionStorage);
    this.#key = `${KEY}:${id}`;
    this.#saved = this.#storage.get(this.#key) ?? "";
    this.#sheet = new Sheet(this.#saved, () => this.show(this.model.status));
    this.model = new Model(config, this);
    this.#settingsDialog = new SettingsDialog(this.model, { presets: [], structure: config.parts.structure, chat: undefined });
    this.#go.addEventListener("click", () => void this.#continue());
    this.#stop.addEventListener("click", () => this.#cancel());
    this.#undo.addEventListener("click", () => this.#takeBack());
    this.#new.addEventListener("click", () => this.#empty());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    byId("suggestions", HTMLElement).append(...(config.site.suggestions ?? WORDS.beginnings).map((text) => {
      const button = element("button", { type: "button", dir: "auto" }, text);
      button.addEventListener("click", () => {
        this.#sheet.text = text;
        void this.#continue();
      });
      return element("li", {}, button);
    }));
  }

  show(status: Status): void {
    const isBusy = status === "answering" || this.#isWanted;
    const isEmpty = this.#sheet.text === "";
    this.#sheet.isLocked = isBusy;
    this.#go.hidden = isBusy;
    this.#go.disabled = isEmpty || (status !== "ready" && status !== "loading");
    this.#stop.hidden = !isBusy;
    this.#undo.hidden = isBusy || this.#before === undefined;
    this.#new.disabled = isEmpty;
    this.#welcome.hidden = !isEmpty || status !== "ready";
  }

  ready(isFresh: boolean): void {
    if (this.#isWanted) void this.#continue();
    else if (isFresh) byId("announce", HTMLElement).textContent = WORDS.announce.ready;
  }

  /** Store what is written and not stored yet. */
  save(): void {
    const { text } = this.#sheet;
    if (text === this.#saved) return;
    this.#saved = text;
    this.#storage.set(this.#key, text);
  }

  offers(action: "new" | "leave-out"): boolean {
    return action === "new" || this.#sheet.text.length - this.#leftOut > 1;
  }

  resolve(action: "new" | "leave-out" | "settings"): void {
    if (action === "settings") this.#settingsDialog.open();
    else if (action === "new") this.#empty();
    else {
      this.#leftOut = Math.ceil((this.#leftOut + this.#sheet.text.length) / 2);
      void this.#continue();
    }
  }

  async #continue(): Promise<void> {
    const { text } = this.#sheet;
    const { status } = this.model;
    this.#isWanted = status === "loading" && text !== "";
    if (status !== "ready" || text === "") {
      this.show(status);
      return;
    }
    this.#before = text;
    this.#outcome.textContent = "";
    this.#leftOut = Math.min(this.#leftOut, text.length);
    await this.model.run(
      (engine, signal) => engine.complete(text.slice(this.#leftOut), this.model.settings, signal, (piece) => this.#sheet.append(piece)),
      (outcome) => this.#end(outcome),
    );
  }

  #end({ ending, speed }: Outcome): void {
    this.#sheet.flush();
    this.save();
    if (this.#sheet.text === this.#before) this.#before = undefined; // there is nothing to take back
    const parts = [ending === "open" ? "" : WORDS.endings[ending]];
    if (speed !== undefined) parts.push(fill(WORDS.view.speed, { speed: formatNumber(speed, 1) }));
    this.#outcome.textContent = parts.join(" ");
  }

  #cancel(): void {
    this.#isWanted = false;
    this.model.stop();
    this.show(this.model.status);
  }

  #takeBack(): void {
    this.#replace(this.#before ?? "");
    this.#before = undefined;
    this.show(this.model.status);
  }

  /** Begin a new text. The old one can be taken back. */
  #empty(): void {
    this.#cancel();
    const { text } = this.#sheet;
    this.#replace("");
    this.#before = text;
    this.#leftOut = 0;
    this.model.hideProblem();
    this.show(this.model.status);
  }

  #replace(text: string): void {
    this.#sheet.text = text;
    this.#outcome.textContent = "";
    this.save();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || isComposing(event) || document.querySelector("dialog[open]") !== null) return;
    if (event.key === "Escape") this.#cancel();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void this.#continue();
  }
}
