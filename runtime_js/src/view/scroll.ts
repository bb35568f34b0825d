/** Keeps the end of the conversation in view while it grows, unless the reader has scrolled away. */

import type { ViewContext } from "./context.ts";
import { byId } from "./dom.ts";

const NEAR_END = 80;

export class Scroller {
  readonly #main: HTMLElement;
  readonly #messages: HTMLElement;
  readonly #button: HTMLButtonElement;
  #following = true;
  #top = 0;

  constructor({ root }: ViewContext) {
    this.#main = byId("main", HTMLElement, root);
    this.#messages = byId("messages", HTMLElement, root);
    this.#button = byId("to-end", HTMLButtonElement, root);
    this.#main.addEventListener("scroll", () => this.#look(), { passive: true });
    this.#button.addEventListener("click", () => this.toEnd());
    const observer = new ResizeObserver(() => this.#follow());
    for (const part of [this.#messages, this.#main]) observer.observe(part); // a keyboard on the screen takes room, too
  }

  /** Go to the end and stay there. */
  toEnd(): void {
    this.#following = true;
    this.#follow();
  }

  /** Draw the conversation anew. Who reads in its middle goes on there. */
  keepPlace(draw: () => void): void {
    const top = this.#main.getBoundingClientRect().top;
    const read = [...this.#messages.children].find((item) => item.getBoundingClientRect().bottom > top);
    const before = read?.getBoundingClientRect();
    draw();
    if (this.#following) this.#follow();
    else if (read !== undefined && before !== undefined) {
      const passed = top - before.top; // of what stands there
      const after = read.getBoundingClientRect();
      this.#main.scrollTop += after.top - top + (passed > 0 ? passed * after.height / before.height : passed);
    }
  }

  #follow(): void {
    if (this.#following) this.#main.scrollTop = this.#main.scrollHeight;
    this.#look();
  }

  #look(): void {
    const distance = this.#main.scrollHeight - this.#main.scrollTop - this.#main.clientHeight;
    // What grows moves the end away, and only a reader moves up.
    if (distance < NEAR_END) this.#following = true;
    else if (this.#main.scrollTop < this.#top) this.#following = false;
    this.#top = this.#main.scrollTop;
    this.#button.hidden = this.#following;
  }
}
