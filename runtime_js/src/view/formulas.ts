/** Formulas in what was drawn: they stand in `var` until there is time for them, and what draws them. */

import type { ViewContext } from "./context.ts";
import type { Drawn } from "./drawing.ts";
import type { Slice } from "./slice.ts";

const WAITING = "var:not([data-as-written])";

/** Draw those that were drawn before, and ask for the script where it is not there. */
export function drawKnownFormulas(parent: ParentNode, { mathematics }: ViewContext): void {
  for (const formula of parent.querySelectorAll(WAITING)) {
    if (mathematics.code === undefined) return void mathematics.load();
    put(formula, mathematics.code.knownFormula(formula.textContent));
  }
}

/** All that wait in a conversation. */
export class Formulas implements Drawn {
  readonly #all: HTMLCollectionOf<Element>;
  readonly #parent: Element;
  readonly #context: ViewContext;

  constructor(parent: Element, context: ViewContext) {
    this.#all = parent.getElementsByTagName("var");
    this.#parent = parent;
    this.#context = context;
  }

  /** False where there was no time for all of them. */
  draw(slice: Slice): boolean {
    const { code } = this.#context.mathematics;
    if (code === undefined || this.#all.length === 0) return true;
    for (const formula of this.#parent.querySelectorAll(WAITING)) {
      if (slice.isOver) return false;
      put(formula, code.drawFormula(formula.textContent));
    }
    return true;
  }
}

/** drawn: null where it is none that can be drawn, undefined where nobody knows yet. */
function put(formula: Element, drawn: Element | null | undefined): void {
  if (drawn === null) formula.setAttribute("data-as-written", "");
  else if (drawn !== undefined) formula.replaceWith(drawn);
}
