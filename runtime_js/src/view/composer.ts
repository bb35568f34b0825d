/** The field for the next message, with its send and stop buttons. */

import type { ViewContext } from "./context.ts";
import { byId } from "./dom.ts";
import { isComposing } from "./keys.ts";

import type { ComposerMode } from "./words.ts";

export class Composer {
  readonly #context: ViewContext;
  readonly #field: HTMLTextAreaElement;
  readonly #send: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #editing: HTMLElement;
  readonly #onSend: (text: string) => void;
  #mode: ComposerMode = "off";
  /** What was in the field before it took an earlier message; undefined while it holds none. */
  #draft: string | undefined;

  constructor(context: ViewContext, onSend: (text: string) => void, onStop: () => void, onCancelEdit: () => void) {
    const { root } = this.#context = context;
    this.#field = byId("prompt", HTMLTextAreaElement, root);
    this.#send = byId("send", HTMLButtonElement, root);
    this.#stop = byId("stop", HTMLButtonElement, root);
    this.#editing = byId("editing", HTMLElement, root);
    this.#onSend = onSend;
    this.#stop.addEventListener("click", onStop);
    byId("cancel-edit", HTMLButtonElement, root).addEventListener("click", onCancelEdit);
    byId("composer", HTMLFormElement, root).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => this.#fit());
    this.#field.addEventListener("keydown", (event) => {
      // On a touch screen Enter starts a line: there is no Shift+Enter.
      if (event.key !== "Enter" || event.shiftKey || isComposing(event) || isTouch()) return;
      event.preventDefault();
      this.#submit();
    });
  }

  setMode(mode: ComposerMode): void {
    this.#mode = mode;
    this.#field.disabled = mode === "off";
    this.#field.placeholder = this.#context.words.placeholders[mode];
    this.#send.hidden = mode === "busy";
    this.#stop.hidden = mode !== "busy";
    this.#fit();
  }

  /** What was written and not sent; not an earlier message that is being changed. */
  get draft(): string {
    return this.#draft ?? this.#field.value;
  }

  set draft(text: string) {
    this.#fill(text);
  }

  /** Put an earlier message into the field. */
  edit(text: string): void {
    this.#draft ??= this.#field.value;
    this.#fill(text);
  }

  leaveEdit(): void {
    const draft = this.#draft ?? "";
    this.#draft = undefined;
    this.#fill(draft);
  }

  /** Put a text below what is written, as Markdown quotes it. */
  quote(text: string): void {
    const quoted = text.trim().split("\n").map((line) => `> ${line}`.trimEnd()).join("\n");
    const written = this.#field.value.trimEnd();
    this.#field.value = `${written === "" ? "" : `${written}\n\n`}${quoted}\n\n`;
    this.#fit();
    this.#field.focus();
  }

  /** On a touch screen the keyboard would cover the conversation: there the person decides. */
  focus(): void {
    if (!isTouch()) this.#field.focus();
  }

  #submit(): void {
    const text = this.#field.value.trim();
    if (!this.#canSend() || text === "") return;
    if (this.#draft === undefined) this.#fill("");
    this.#onSend(text);
  }

  #fill(text: string): void {
    this.#field.value = text;
    this.#editing.hidden = this.#draft === undefined;
    this.#fit();
  }

  #canSend(): boolean {
    return this.#mode === "ready" || this.#mode === "early";
  }

  /** Grow with the text; the style sheet sets the limit. */
  #fit(): void {
    this.#send.disabled = !this.#canSend() || this.#field.value.trim() === "";
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}

function isTouch(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}
