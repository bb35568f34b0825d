/**
 * Draws in slices of time, so that the page can be scrolled and written in meanwhile: what is asked for begins at once, and goes on with the next frame. A slice is
 * as long as leaves time for style, layout and paint, as the frames before it tell.
 */

import { SLICE_MS, Slice } from "./slice.ts";

/** What a frame may cost, and the bounds of a slice in it. */
const FRAME_MS = 4;
const [LEAST_MS, MOST_MS] = [0.5, 2.5];
/** Behind the page there are no frames. */
const HIDDEN_MS = 12;
/** Where frames do not come, as in a tab that nobody sees, drawing goes on without. */
const PATIENCE_MS = 200;

export interface Drawn {
  /** False where there was no time for all of it. */
  draw(slice: Slice): boolean;
}

export class Drawing {
  readonly #waiting = new Set<Drawn>();
  readonly #around: (draw: () => void) => void;
  readonly #onIdle: () => void;
  readonly #isHidden: () => boolean;
  #isNext = false;
  #slice = SLICE_MS;
  /** Milliseconds of drawing since the last frame: the next one's slice is shorter by them. */
  #spent = 0;
  /** Those before the frame that is drawn. */
  #before = 0;

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
    if (this.#isNext) return;
    const begin = performance.now();
    this.#draw(this.#slice);
    this.#spent = performance.now() - begin;
  }

  drop(item: Drawn): void {
    this.#waiting.delete(item);
  }

  #draw(milliseconds: number): void {
    this.#isNext = false;
    const isHidden = this.#isHidden();
    this.#around(() => {
      const slice = new Slice(isHidden ? HIDDEN_MS : milliseconds);
      for (const item of this.#waiting) {
        if (!item.draw(slice)) break;
        this.#waiting.delete(item);
      }
    });
    if (!this.isBusy) return this.#onIdle();
    this.#isNext = true;
    if (isHidden) setTimeout(() => this.#draw(HIDDEN_MS));
    else inFrame(() => this.#drawRest(), (cost) => this.#learn(this.#before + cost));
  }

  #drawRest(): void {
    const rest = this.#slice - this.#spent;
    [this.#before, this.#spent] = [this.#spent, 0];
    this.#draw(rest);
  }

  /** cost: milliseconds of a frame, with what was drawn before it. One whose drawing ended early says nothing of what fits into the next. */
  #learn(cost: number): void {
    if (cost > FRAME_MS || this.isBusy) this.#slice = Math.min(MOST_MS, Math.max(LEAST_MS, this.#slice * Math.min(1.2, FRAME_MS / cost)));
  }
}

/** Draw with the next frame, and tell how many milliseconds that took up to the end of its paint. */
function inFrame(draw: () => void, told: (cost: number) => void): void {
  const late = setTimeout(() => {
    cancelAnimationFrame(frame);
    draw();
  }, PATIENCE_MS);
  const frame = requestAnimationFrame(() => {
    clearTimeout(late);
    const begin = performance.now();
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      told(performance.now() - begin);
    };
    port2.postMessage(null);
    draw();
  });
}
