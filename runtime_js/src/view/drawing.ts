/** Draws in slices of time, so that the page can be scrolled and written in meanwhile: what is asked for begins at once, and goes on between frames. */

import { SLICE_MS, Slice } from "./slice.ts";

/** On a page, a slice is a part of a frame. Behind the page there are no frames. */
const SHOWN = { slice: SLICE_MS, pause: 16 };
const HIDDEN = { slice: 12, pause: 0 };

export interface Drawn {
  /** False where there was no time for all of it. */
  draw(slice: Slice): boolean;
}

export class Drawing {
  readonly #waiting = new Set<Drawn>();
  readonly #around: (draw: () => void) => void;
  readonly #onIdle: () => void;
  readonly #isHidden: () => boolean;
  #next: ReturnType<typeof setTimeout> | undefined;

  /** around: each slice is drawn within it. onIdle: all was drawn. isHidden: whether nobody sees it yet. */
  constructor(around: (draw: () => void) => void, onIdle: () => void, isHidden: () => boolean) {
    this.#around = around;
    this.#onIdle = onIdle;
    this.#isHidden = isHidden;
  }

  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  add(...items: readonly Drawn[]): void {
    for (const item of items) this.#waiting.add(item);
    if (this.#next === undefined) this.#draw();
  }

  drop(item: Drawn): void {
    this.#waiting.delete(item);
  }

  #draw(): void {
    this.#next = undefined;
    const { slice: milliseconds, pause } = this.#isHidden() ? HIDDEN : SHOWN;
    this.#around(() => {
      const slice = new Slice(milliseconds);
      for (const item of this.#waiting) {
        if (!item.draw(slice)) break;
        this.#waiting.delete(item);
      }
    });
    if (this.isBusy) this.#next = setTimeout(() => this.#draw(), pause);
    else this.#onIdle();
  }
}
