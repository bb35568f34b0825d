/** The list of documents, and how they come in: chosen or dropped, one after the other. */

import type { Library, LibraryDocument } from "../library.ts";
import { DocumentError } from "../read/document.ts";
import { byId, element, isAbort, messageOf } from "./dom.ts";

export class DocumentList {
  readonly #library: Library;
  readonly #show: (document: LibraryDocument) => void;
  readonly #list = byId("documents", HTMLUListElement);
  readonly #work = byId("work", HTMLElement);
  readonly #note = byId("note", HTMLElement);
  readonly #progress = byId("progress", HTMLProgressElement);
  readonly #status = byId("work-status", HTMLElement);
  #running: AbortController | null = null;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(library: Library, show: (document: LibraryDocument) => void) {
    this.#library = library;
    this.#show = show;
    byId("cancel", HTMLButtonElement).addEventListener("click", () => this.#running?.abort());
    const files = byId("files", HTMLInputElement);
    files.disabled = false;
    files.addEventListener("change", () => {
      this.add([...files.files ?? []]);
      files.value = "";
    });
    addEventListener("dragover", (event) => {
      document.body.classList.toggle("dropping", event.dataTransfer?.types.includes("Files") ?? false);
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      this.add([...event.dataTransfer?.files ?? []]);
    });
    this.render();
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      this.#run(file.name, async (progress, signal) => {
        const outcome = await this.#library.add(file, progress, signal);
        return outcome === "known" ? `${file.name} is here already.` : null;
      });
    }
  }

  /** What cancels ends all that waits. */
  #run(name: string, task: (progress: (what: string, done: number) => void, signal: AbortSignal) => Promise<string | null>): void {
    this.#running ??= new AbortController();
    const { signal } = this.#running;
    this.#waiting += 1;
    this.#note.textContent = "";
    this.#queue = this.#queue.then(async () => {
      const started = performance.now();
      try {
        signal.throwIfAborted();
        this.#tell(`${name}: reading`, 0);
        const told = await task((what, done) => this.#tell(`${name}: ${what}`, done), signal);
        this.#remark(told ?? `${name}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s.`);
      } catch (error) {
        if (!isAbort(error)) this.#remark(`${name}: ${messageOf(error)}`, error instanceof DocumentError ? "refused" : "failed");
      }
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#running = null;
      this.#work.hidden = this.#waiting === 0;
      this.render();
    });
  }

  #tell(what: string, done: number): void {
    this.#work.hidden = false;
    this.#status.textContent = what;
    this.#progress.value = done;
  }

  #remark(text: string, kind = "done"): void {
    this.#note.append(element("p", { textContent: text, className: kind }));
  }

  render(): void {
    const { documents } = this.#library;
    this.#list.replaceChildren(...documents.map((document) => this.#item(document)));
  }

  #item(document: LibraryDocument): HTMLLIElement {
    const total = document.passages.length;
    const facts = [document.pages === null ? null : plural(document.pages, "page"), plural(total, "passage")].filter((fact) => fact !== null).join(", ");
    const item = element("li", {}, element("button", { className: "name", textContent: document.name, title: "Show the text", onclick: () => this.#show(document) }));
    item.append(element("button", {
      className: "remove", textContent: "Remove", ariaLabel: `Remove ${document.name}`,
      onclick: () => void this.#library.remove(document.id).then(() => this.render()),
    }));
    item.append(element("p", { className: "facts", textContent: facts }));
    if (document.note !== null) item.append(element("p", { className: "facts", textContent: document.note }));
    if (document.embedded < total && this.#running === null) {
      item.append(element("p", { className: "facts" }, `${document.embedded} of ${total} embedded. `, element("button", {
        className: "link", textContent: "Go on",
        onclick: () => this.#run(document.name, (progress, signal) => this.#library.embed(document.id, progress, signal).then(() => null)),
      })));
    }
    return item;
  }
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
