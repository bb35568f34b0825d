/** Keeps the end of the conversation in view while it grows, unless the reader has scrolled away. */

import { byId } from "./dom.ts";

const NEAR_END = 80;

export class Scroller {
  readonly #main = byId("main", HTMLElement);
  readonly #button = byId("to-end", HTMLButtonElement);
  #following = true;

  constructor() {
    this.#main.addEventListener("scroll", () => this.#look(), { passive: true });
    this.#button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#follow()).observe(byId("messages", HTMLElement));
  }

  /** Go to the end and stay there. */
  toEnd(): void {
    this.#following = true;
    this.#follow();
  }

  #follow(): void {
    if (this.#following) this.#main.scrollTop = this.#main.scrollHeight;
    this.#look();
  }

  #look(): void {
    const distance = this.#main.scrollHeight - this.#main.scrollTop - this.#main.clientHeight;
    this.#following = distance < NEAR_END;
    this.#button.hidden = this.#following;
  }
}
