/** The field for the next message, with its send and stop buttons. */

import { byId } from "./dom.ts";

/** off: no model. typing: a message can be written but not sent yet. ready: it can be sent. busy: an answer is being written. */
export type ComposerMode = "off" | "typing" | "ready" | "busy";

const PLACEHOLDERS: Readonly<Record<ComposerMode, string>> = {
  off: "Start the model first",
  typing: "Write while the model loads",
  ready: "Write a message",
  busy: "Write a message",
};

export class Composer {
  readonly #field = byId("prompt", HTMLTextAreaElement);
  readonly #send = byId("send", HTMLButtonElement);
  readonly #stop = byId("stop", HTMLButtonElement);
  readonly #editing = byId("editing", HTMLElement);
  readonly #onSend: (text: string) => void;
  #mode: ComposerMode = "off";

  constructor(onSend: (text: string) => void, onStop: () => void, onCancelEdit: () => void) {
    this.#onSend = onSend;
    this.#stop.addEventListener("click", onStop);
    byId("cancel-edit", HTMLButtonElement).addEventListener("click", onCancelEdit);
    byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => this.#fit());
    this.#field.addEventListener("keydown", (event) => {
      // On a touch screen Enter starts a line: there is no Shift+Enter. While an input method composes, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || isTouch()) return;
      event.preventDefault();
      this.#submit();
    });
  }

  setMode(mode: ComposerMode): void {
    this.#mode = mode;
    this.#field.disabled = mode === "off";
    this.#field.placeholder = PLACEHOLDERS[mode];
    this.#send.hidden = mode === "busy";
    this.#stop.hidden = mode !== "busy";
    this.#fit();
  }

  /** Put text into the field. editing: whether it changes an earlier message. */
  fill(text: string, editing: boolean): void {
    this.#field.value = text;
    this.#editing.hidden = !editing;
    this.#fit();
  }

  /** On a touch screen the keyboard would cover the conversation: there the person decides. */
  focus(): void {
    if (!isTouch()) this.#field.focus();
  }

  #submit(): void {
    const text = this.#field.value.trim();
    if (this.#mode !== "ready" || text === "") return;
    this.fill("", false);
    this.#onSend(text);
  }

  /** Grow with the text; the style sheet sets the limit. */
  #fit(): void {
    this.#send.disabled = this.#mode !== "ready" || this.#field.value.trim() === "";
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}

function isTouch(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}
