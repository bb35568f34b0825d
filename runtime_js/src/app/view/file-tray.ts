/** The files that go with the next message: chosen, dropped or pasted, and shown above the field. */

import { byId, element, icon } from "../../view/dom.ts";
import type { Attachment } from "../../view/message.ts";
import { MAX_FILES, MAX_FILE_BYTES, TEXT_TYPES, plainName, readTextFile } from "../text_file.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatNumber, formatPlural } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import { showNotice } from "./notice.ts";

/** Tokens of a text; undefined where the model is not there to count them. */
export type CountTokens = (text: string) => Promise<number | undefined>;

export class FileTray {
  readonly #list = byId("files", HTMLUListElement);
  readonly #picker = byId("file-picker", HTMLInputElement);
  readonly #count: CountTokens;
  readonly #room: () => number;
  #files: readonly Attachment[] = [];

  /** room: tokens of the context. */
  constructor(count: CountTokens, room: () => number) {
    [this.#count, this.#room] = [count, room];
    this.#picker.accept = TEXT_TYPES;
    byId("attach", HTMLButtonElement).addEventListener("click", () => this.#picker.click());
    this.#picker.addEventListener("change", () => {
      void this.#add([...this.#picker.files ?? []]);
      this.#picker.value = ""; // the same file may be chosen again
    });
    const body = document.body;
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true && document.querySelector("dialog:modal") === null;
    const mark = (isOver: boolean): void => { body.toggleAttribute("data-drop", isOver); };
    addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      mark(true);
    });
    addEventListener("dragleave", (event) => { if (event.relatedTarget === null) mark(false); });
    addEventListener("drop", (event) => {
      mark(false);
      if (!holdsFiles(event)) return;
      event.preventDefault(); // the browser would open them
      void this.#add([...event.dataTransfer?.files ?? []]);
    });
    byId("prompt", HTMLTextAreaElement).addEventListener("paste", (event) => {
      const files = [...event.clipboardData?.files ?? []];
      if (files.length === 0) return;
      event.preventDefault();
      void this.#add(files);
    });
  }

  /** Gives the files away: they are a message's now. */
  take(): readonly Attachment[] {
    const files = this.#files;
    this.#show([]);
    return files;
  }

  async #add(chosen: readonly File[]): Promise<void> {
    const words = WORDS.files;
    const faults: string[] = [];
    const added: Attachment[] = [];
    for (const file of chosen) {
      if (this.#files.length + added.length >= MAX_FILES) {
        faults.push(fill(words.tooMany, { count: formatNumber(MAX_FILES) }));
        break;
      }
      const read = await readTextFile(file).catch(() => "notText" as const); // a folder, or a file that is gone
      if (typeof read === "string") faults.push(fill(words[read], { name: plainName(file.name), size: formatBytes(MAX_FILE_BYTES) }));
      else added.push(read);
    }
    if (faults.length > 0) showNotice("file", faults.join(" "));
    if (added.length > 0) this.#show([...this.#files, ...added]);
  }

  #show(files: readonly Attachment[]): void {
    this.#files = files;
    this.#list.hidden = files.length === 0;
    const items = files.map((file) => this.#item(file));
    this.#list.replaceChildren(...items.map(({ item }) => item));
    void this.#measure(files, items.map(({ size }) => size));
  }

  /** Tells how long each is, and where all of them are too long for the model. */
  async #measure(files: readonly Attachment[], sizes: readonly HTMLElement[]): Promise<void> {
    const counts = await Promise.all(files.map(({ text }) => this.#count(text)));
    counts.forEach((tokens, i) => sizes[i]?.replaceChildren(tokens === undefined ? "" : formatPlural(WORDS.card.tokens, tokens)));
    const total = counts.reduce<number>((sum, tokens = 0) => sum + tokens, 0);
    if (files === this.#files && total > this.#room()) showNotice("file", WORDS.files.tooLong);
  }

  #item(file: Attachment): { readonly item: HTMLLIElement; readonly size: HTMLElement } {
    const size = element("span", { class: "small" });
    const label = fill(WORDS.files.remove, { name: file.name });
    const remove = element("button", { type: "button", class: "plain icon", "aria-label": label, title: label }, icon("close"));
    remove.addEventListener("click", () => this.#show(this.#files.filter((other) => other !== file)));
    return { item: element("li", {}, element("bdi", {}, file.name), size, remove), size };
  }
}
