/** Questions and answers. */

import { answer, cited, MAX_QUESTION, placeOf, type Writer } from "../answer.ts";
import type { Found, Library } from "../library.ts";
import { byId, element, isAbort, messageOf } from "./dom.ts";
import type { Viewer } from "./viewer.ts";

const [SEARCHING, READING] = ["Searching…", "Reading…"];
const WORKING: readonly string[] = [SEARCHING, READING];
const NOT_FOUND = "Your documents say nothing about this. The nearest that they have:";

export class Conversation {
  readonly #library: Library;
  readonly #writer: Writer;
  readonly #viewer: Viewer;
  readonly #turns = byId("turns", HTMLOListElement);
  readonly #question = byId("question", HTMLTextAreaElement);
  readonly #ask = byId("ask", HTMLButtonElement);
  readonly #stop = byId("stop", HTMLButtonElement);
  #running: AbortController | null = null;

  constructor(library: Library, writer: Writer, viewer: Viewer) {
    this.#library = library;
    this.#writer = writer;
    this.#viewer = viewer;
    this.#question.maxLength = MAX_QUESTION;
    this.#ask.disabled = false;
    const form = byId("composer", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#answer(this.#question.value.trim());
    });
    this.#question.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.#stop.addEventListener("click", () => this.#running?.abort());
  }

  async #answer(question: string): Promise<void> {
    if (question === "" || this.#running !== null) return;
    const controller = new AbortController();
    this.#running = controller;
    this.#question.value = "";
    const text = element("p", { className: "text", textContent: SEARCHING });
    const turn = element("li", {}, element("p", { className: "question", textContent: question }), text);
    turn.ariaBusy = "true";
    this.#turns.append(turn);
    turn.scrollIntoView({ block: "end" });
    this.#toggle(true);
    try {
      const { sources, text: pieces } = await answer(question, this.#library, this.#writer, controller.signal);
      const list = this.#sources(sources);
      if (sources.length > 0) turn.append(list);
      if (pieces === null) text.textContent = sources.length === 0 ? "There are no documents to answer from: add some first." : NOT_FOUND;
      else await this.#write(text, pieces, sources);
    } catch (error) {
      if (WORKING.includes(text.textContent)) text.remove();
      turn.append(element("p", { className: "problem", textContent: isAbort(error) ? "Stopped." : messageOf(error) }));
    } finally {
      turn.ariaBusy = "false";
      this.#running = null;
      this.#toggle(false);
      turn.scrollIntoView({ block: "end" });
    }
  }

  async #write(place: HTMLElement, pieces: AsyncIterable<string>, sources: readonly Found[]): Promise<void> {
    let text = "";
    place.textContent = READING;
    for await (const piece of pieces) {
      text += piece;
      place.textContent = text;
    }
    place.replaceChildren(...cited(text.trim(), sources.length).map((part) => {
      const source = typeof part === "number" ? sources[part - 1] : undefined;
      return source === undefined ? String(part) : this.#link(source, String(part), "cite");
    }));
  }

  #sources(sources: readonly Found[]): HTMLOListElement {
    return element("ol", { className: "sources", ariaLabel: "Sources" }, ...sources.map((source) => {
      const { score, text } = source;
      const quote = element("p", { className: "quote", textContent: text.slice(0, 200) });
      return element("li", { title: `Score ${score.toFixed(2)}` }, this.#link(source, placeOf(source), "source"), quote);
    }));
  }

  #link(source: Found, textContent: string, className: string): HTMLButtonElement {
    const onclick = (): void => void this.#viewer.show(source.document, source.passage);
    return element("button", { textContent, className, title: `Show it in ${source.document.name}`, onclick });
  }

  #toggle(running: boolean): void {
    this.#ask.hidden = running;
    this.#stop.hidden = !running;
    if (!running) this.#question.focus();
  }
}
