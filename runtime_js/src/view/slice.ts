/** How long drawing may take before the browser has its turn: with style and layout behind it, all is within half a frame. */

export const SLICE_MS = 3;

export class Slice {
  readonly #end: number;

  constructor(milliseconds: number = SLICE_MS) {
    this.#end = performance.now() + milliseconds;
  }

  get isOver(): boolean {
    return performance.now() >= this.#end;
  }
}
