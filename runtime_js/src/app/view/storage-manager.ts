/** The dialog with all models that this origin keeps: a script by itself, which a page loads when it is first opened. */

import { folderOf } from "../../storage/folders.ts";
import { deleteKept, keptModels, type KeptModel } from "../../storage/kept_models.ts";
import { foldersInUse } from "../../storage/in_use.ts";
import { freeBytes, isPersistent, persist } from "../../storage/quota.ts";
import { element, icon } from "../../view/dom.ts";
import type { Words } from "../words/en.ts";
import { fill } from "../words/fill.ts";

/** Of the page that opens it. */
export interface StorageUser {
  readonly words: Words["storage"];
  /** As the page's language writes them. */
  readonly bytes: (count: number) => string;
  readonly date: (milliseconds: number) => string;
  /** URL of the manifest of the model that runs, or is loaded, on the page; undefined where none is. */
  running(): string | undefined;
  /** Ends and deletes the model that runs. */
  deleteRunning(): Promise<void>;
  /** Something was deleted. */
  changed(): void;
}

type Use = "here" | "elsewhere" | "none";

export class StorageManager {
  readonly #user: StorageUser;
  readonly #list = element("ul", { class: "kept", "aria-labelledby": "storage-title" });
  readonly #sum = element("p", { class: "small", role: "status" });
  readonly #fault = element("p", { class: "fault", role: "alert" });
  readonly #promise = element("p", { class: "small" });
  readonly #deleteAll: HTMLButtonElement;
  readonly #dialog: HTMLDialogElement;
  #models: readonly KeptModel[] = [];
  #inUse: ReadonlyMap<string, number> = new Map();

  constructor(user: StorageUser) {
    this.#user = user;
    const { words } = user;
    const close = element("button", { type: "button", class: "plain icon", "aria-label": words.close, title: words.close }, icon("close"));
    this.#deleteAll = element("button", { type: "button", class: "plain danger" }, words.deleteAll);
    this.#deleteAll.addEventListener("click", () => this.#confirm(this.#deleteAll, this.#models));
    this.#dialog = element("dialog", { id: "storage", "aria-labelledby": "storage-title" },
      element("header", {}, element("h2", { id: "storage-title" }, words.title), close), this.#sum, this.#list, this.#fault, this.#promise,
      element("div", { class: "actions spread" }, this.#deleteAll));
    close.addEventListener("click", () => this.#dialog.close());
    document.body.append(this.#dialog);
  }

  async open(): Promise<void> {
    this.#fault.textContent = "";
    if (!this.#dialog.open) this.#dialog.showModal();
    await this.#draw();
  }

  async #draw(): Promise<void> {
    const { words, bytes } = this.#user;
    const [models, inUse, free, isKept] = await Promise.all([keptModels().catch(() => []), foldersInUse(), freeBytes(), isPersistent()]);
    [this.#models, this.#inUse] = [models, inUse];
    const total = models.reduce((sum, model) => sum + model.bytes, 0);
    const room = free === undefined ? "" : ` ${fill(words.room, { size: bytes(Math.max(0, free)) })}`;
    this.#sum.textContent = (models.length === 0 ? words.none : fill(words.sum, { size: bytes(total) })) + room;
    this.#list.replaceChildren(...models.map((model) => this.#row(model)));
    this.#deleteAll.hidden = models.length < 2;
    this.#promise.hidden = models.length === 0;
    this.#promise.replaceChildren(isKept ? words.persistent : words.mayGo, ...(isKept ? [] : [" ", this.#ask()]));
  }

  #ask(): HTMLElement {
    const ask = element("button", { type: "button", class: "plain" }, this.#user.words.ask);
    ask.addEventListener("click", () => void persist().then((isKept) => (isKept ? this.#draw() : this.#say(this.#user.words.refused))));
    return ask;
  }

  #row(model: KeptModel): HTMLElement {
    const { words, bytes, date } = this.#user;
    const use = this.#useOf(model);
    const facts = [
      bytes(model.bytes), ...(model.isWhole ? [] : [words.partial]), ...(use === "none" ? [] : [use === "here" ? words.here : words.elsewhere]),
      ...(model.lastUsed > 0 && use === "none" ? [fill(words.lastUsed, { date: date(model.lastUsed) })] : []),
    ];
    const name = model.name === "" ? words.leftovers : model.name;
    const remove = element("button", { type: "button", class: "plain danger", "aria-label": `${words.delete}: ${name}` }, words.delete);
    remove.addEventListener("click", () => this.#confirm(remove, [model]));
    return element("li", {},
      element("div", {}, element("strong", { dir: "auto" }, name), element("span", { class: "small" }, facts.join(" · ")),
        element("span", { class: "small address", dir: "ltr" }, model.folder)),
      remove);
  }

  #useOf({ folder, manifest }: KeptModel): Use {
    const running = this.#user.running();
    if (running !== undefined && running === manifest) return "here";
    const ours = running !== undefined && folderOf(running) === folder ? 1 : 0;
    return (this.#inUse.get(folder) ?? 0) > ours ? "elsewhere" : "none";
  }

  /** Asks in the button's place. */
  #confirm(button: HTMLButtonElement, models: readonly KeptModel[]): void {
    const { words, bytes } = this.#user;
    const total = models.reduce((sum, model) => sum + model.bytes, 0);
    const others = models.some((model) => this.#useOf(model) === "elsewhere") ? ` ${words.elsewhereGoesOn}` : "";
    const keep = element("button", { type: "button", class: "second" }, words.keep);
    const sure = element("button", { type: "button", class: "primary bad" }, words.delete);
    const question = element("div", { class: "sure", role: "group" }, element("p", {}, fill(words.sure, { size: bytes(total) }) + others),
      element("div", { class: "actions end" }, keep, sure));
    keep.addEventListener("click", () => {
      question.replaceWith(button);
      button.focus();
    });
    sure.addEventListener("click", () => {
      sure.disabled = keep.disabled = true;
      void this.#delete(models).finally(() => question.replaceWith(button));
    });
    button.replaceWith(question);
    keep.focus();
  }

  async #delete(models: readonly KeptModel[]): Promise<void> {
    let isDone = true;
    for (const model of models) {
      if (model.manifest !== undefined && model.manifest === this.#user.running()) await this.#user.deleteRunning();
      else isDone = await deleteKept(model).catch(() => false) && isDone;
    }
    this.#say(isDone ? "" : this.#user.words.failed);
    await this.#draw();
    this.#user.changed();
  }

  #say(fault: string): void {
    this.#fault.textContent = fault;
  }
}
