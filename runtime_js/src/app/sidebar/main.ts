/** The list of chats: beside the page where there is room, else a drawer before it. A script by itself, which a page loads when it is first wanted. */

import style from "inline:./sidebar.css";
import { byId, element, icon } from "../../view/dom.ts";
import { dresser } from "../../view/dresser.ts";
import type { Chats } from "../chats/chats.ts";
import type { Chat, ChatRecord } from "../chats/record.ts";
import { Row, type RowActions } from "./row.ts";
import { search } from "./search.ts";
import { MAX_FILE, fileName, fromJson, takeIn, toJson, toMarkdown } from "./transfer.ts";
import type { ChatWords } from "./words.ts";

export interface SidebarParts {
  readonly chats: Chats;
  readonly words: ChatWords;
  /** Says how many chats were imported. */
  imported(count: number): string;
  tell(text: string): void;
}

/** A hand that writes is faster than a search. */
const PAUSE_MS = 150;

export class Sidebar {
  readonly #parts: SidebarParts;
  readonly #wide: MediaQueryList;
  readonly #search: HTMLInputElement;
  readonly #list = element("ul", { class: "rows" });
  readonly #nothing = element("p", { class: "small", role: "status" });
  readonly #panel: HTMLElement;
  readonly #drawer = element("dialog", { class: "drawer" });
  #rows: readonly Row[] = [];
  #shown = "";
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** wide: whether there is room for it beside the page. */
  constructor(parts: SidebarParts, wide: MediaQueryList) {
    const { words, chats } = this.#parts = parts;
    dresser(style)(document);
    this.#wide = wide;
    this.#search = element("input", { type: "search", placeholder: words.search, "aria-label": words.search, dir: "auto" });
    const close = element("button", { type: "button", class: "plain icon close", "aria-label": words.close, title: words.close }, icon("close"));
    const file = element("input", { type: "file", accept: ".json,application/json", hidden: "" });
    const button = (label: string, press: () => void): HTMLButtonElement => {
      const made = element("button", { type: "button", class: "plain" }, label);
      made.addEventListener("click", press);
      return made;
    };
    this.#panel = element("nav", { id: "chats", class: "chats", "aria-label": words.list },
      element("header", {}, element("h2", {}, words.list), close), this.#search, this.#list, this.#nothing,
      element("footer", {}, button(words.exportAll, () => void this.#saveAll()), button(words.import, () => file.click()), file));
    this.#drawer.setAttribute("aria-label", words.list);
    document.body.append(this.#drawer);
    close.addEventListener("click", () => this.hide());
    this.#search.addEventListener("input", () => this.#refreshSoon());
    file.addEventListener("change", () => void this.#import(file));
    this.#list.addEventListener("click", ({ target }) => {
      if (target instanceof Element && target.closest("a") !== null) this.#drawer.close();
    });
    this.#drawer.addEventListener("click", ({ target }) => {
      if (target === this.#drawer) this.#drawer.close(); // beside it
    });
    this.#drawer.addEventListener("close", () => this.#tellButton());
    wide.addEventListener("change", () => this.hide());
    chats.store.follow(() => this.#refreshSoon());
    chats.follow(() => void this.refresh());
  }

  get isOpen(): boolean {
    return this.#panel.isConnected && (this.#panel.parentElement === document.body || this.#drawer.open);
  }

  /** moves: the keys go to it. */
  show(moves: boolean): void {
    void this.refresh();
    if (this.#wide.matches) {
      document.body.prepend(this.#panel);
      document.body.dataset["chats"] = "open";
      if (moves) this.#search.focus();
    } else {
      this.#drawer.append(this.#panel);
      this.#drawer.showModal();
    }
    this.#tellButton();
  }

  hide(): void {
    const had = this.#panel.contains(document.activeElement);
    this.#drawer.close();
    this.#panel.remove();
    delete document.body.dataset["chats"];
    this.#tellButton();
    if (had) byId("open-chats", HTMLButtonElement).focus();
  }

  #tellButton(): void {
    byId("open-chats", HTMLButtonElement).setAttribute("aria-expanded", String(this.isOpen));
  }

  #refreshSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), PAUSE_MS);
  }

  /** Draw the list where it is another one than is drawn. */
  async refresh(): Promise<void> {
    const { chats, words } = this.#parts;
    const turn = ++this.#turn;
    const query = this.#search.value.trim();
    const all = (await chats.store.records()).filter(({ deleted }) => deleted === undefined)
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.updated - a.updated);
    const found = query === "" ? all : await search(chats.store, all, query, () => turn !== this.#turn);
    if (turn !== this.#turn) return;
    const current = chats.current.id;
    const shown = JSON.stringify([current, found.map(({ id, title, pinned }) => [id, title, pinned])]);
    this.#nothing.textContent = found.length > 0 ? "" : query === "" ? words.none : words.noneFound;
    if (shown === this.#shown || this.#list.querySelector("form") !== null) return; // nobody's name is taken from under the hand
    this.#shown = shown;
    const focused = this.#rows.findIndex((row) => row.element.contains(document.activeElement));
    this.#rows = found.map((record) => new Row(record, record.id === current, words, this.#actions));
    this.#list.replaceChildren(...this.#rows.map((row) => row.element));
    if (focused >= 0) (this.#rows[Math.min(focused, this.#rows.length - 1)]?.link ?? this.#search).focus();
  }

  readonly #actions: RowActions = {
    rename: ({ id }, title) => this.#parts.chats.change(id, { title }),
    pin: ({ id, pinned }) => this.#parts.chats.change(id, { pinned: !pinned }),
    save: (record, as) => void this.#save(record, as),
    delete: (record) => this.#parts.chats.delete(record),
  };

  async #save(record: ChatRecord, as: "json" | "md"): Promise<void> {
    const chat = await this.#parts.chats.store.read(record.id);
    if (chat === undefined) return;
    const [text, type] = as === "json" ? [await toJson([chat]), "application/json"] : [toMarkdown(chat, this.#parts.words), "text/markdown"];
    download(fileName(record.title, as), text, type);
  }

  async #saveAll(): Promise<void> {
    const { store } = this.#parts.chats;
    const all: Chat[] = [];
    for (const { id, deleted } of await store.records()) {
      const chat = deleted === undefined ? await store.read(id) : undefined;
      if (chat !== undefined) all.push(chat);
    }
    download(fileName(`chats ${new Date().toISOString().slice(0, 10)}`, "json"), await toJson(all), "application/json");
  }

  async #import(input: HTMLInputElement): Promise<void> {
    const [file] = input.files ?? [];
    input.value = ""; // the same one can be chosen again
    if (file === undefined) return;
    const { chats, words, imported, tell } = this.#parts;
    try {
      if (file.size > MAX_FILE) throw new Error(`it is larger than ${MAX_FILE >> 20} MiB`);
      const found = fromJson(await file.text());
      await takeIn(chats.store, found);
      await chats.reread();
      tell(imported(found.length));
    } catch (error) {
      tell(words.importFailed.replace("{why}", () => (error instanceof Error ? error.message : String(error)).slice(0, 300)));
    }
  }
}

function download(name: string, text: string, type: string): void {
  const href = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
