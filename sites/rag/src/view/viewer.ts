/** A document's text beside the conversation, with a passage of it marked. */

import type { Library, LibraryDocument } from "../library.ts";
import type { Passage } from "../passages.ts";
import { byId, element } from "./dom.ts";

/** Characters that are shown before a passage and behind it: a document may have millions. */
const AROUND = 20_000;

export class Viewer {
  readonly #library: Library;
  readonly #sheet = byId("viewer", HTMLDialogElement);
  readonly #title = byId("viewer-title", HTMLElement);
  readonly #place = byId("viewer-place", HTMLElement);
  readonly #text = byId("viewer-text", HTMLElement);

  constructor(library: Library) {
    this.#library = library;
    byId("viewer-close", HTMLButtonElement).addEventListener("click", () => this.#sheet.close());
  }

  async show(document: LibraryDocument, passage?: Passage): Promise<void> {
    const text = await this.#library.text(document.id);
    const { start, end } = passage ?? { start: 0, end: 0 };
    const [from, to] = [Math.max(0, start - AROUND), Math.min(text.length, end + AROUND)];
    const mark = element("mark", { textContent: text.slice(start, end) });
    this.#title.textContent = document.name;
    this.#place.textContent = passage?.page != null ? `Page ${passage.page}` : passage?.heading ?? "";
    this.#text.replaceChildren(from > 0 ? "…" : "", text.slice(from, start), mark, text.slice(end, to), to < text.length ? "…" : "");
    if (!this.#sheet.open) this.#sheet.showModal();
    if (passage === undefined) this.#text.scrollTop = 0;
    else mark.scrollIntoView({ block: "center" });
  }
}
