/** How long drawing may take before the browser has its turn. */

/** Until it is known what style, layout and paint of what was drawn take. */
export const SLICE_MS = 1.5;

export class Slice {
  readonly #end: number;

  constructor(milliseconds: number = SLICE_MS) {
    this.#end = performance.now() + milliseconds;
  }

  get isOver(): boolean {
    return performance.now() >= this.#end;
  }
}
