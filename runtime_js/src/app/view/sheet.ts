/** The text that is continued: a field that grows at its end. */

import { byId } from "../../view/dom.ts";

const REDRAW_MS = 60;
const NEAR_END = 80;

export class Sheet {
  readonly #field = byId("text", HTMLTextAreaElement);
  #pending = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** onInput: the user has changed the text. */
  constructor(text: string, onInput: () => void) {
    this.#field.value = text;
    this.#field.addEventListener("input", onInput);
  }

  get text(): string {
    return this.#field.value;
  }

  set text(text: string) {
    this.#forget();
    this.#field.value = text;
  }

  /** A locked one can be read and copied from. */
  set isLocked(locked: boolean) {
    this.#field.readOnly = locked;
  }

  /** Add to the end, soon. What is selected stays so, and the end in view where it was. */
  append(piece: string): void {
    this.#pending += piece;
    this.#timer ??= setTimeout(() => this.flush(), REDRAW_MS);
  }

  /** Add what waits. */
  flush(): void {
    const { length } = this.#field.value;
    const { scrollHeight, scrollTop, clientHeight } = this.#field;
    this.#field.setRangeText(this.#pending, length, length, "preserve");
    if (scrollHeight - scrollTop - clientHeight < NEAR_END) this.#field.scrollTop = this.#field.scrollHeight;
    this.#forget();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = "";
  }
}
