/** Formulas in what was drawn: they stand in `var` until there is time for them, and what draws them. */

import type { ViewContext } from "./context.ts";
import type { Drawn } from "./drawing.ts";
import type { Slice } from "./slice.ts";

const WAITING = "var:not([data-as-written])";

/** Draw those that were drawn before, and ask for the script where it is not there. */
export function drawKnownFormulas(parent: ParentNode, { mathematics, root }: ViewContext): void {
  for (const formula of parent.querySelectorAll(WAITING)) {
    if (mathematics.code === undefined) return void mathematics.load();
    mathematics.code.dress(root);
    put(formula, mathematics.code.knownFormula(formula.textContent));
  }
}

/** All that wait in a conversation, of which nobody looks again through answers that have none. */
export class Formulas implements Drawn {
  readonly #answers = new Set<Element>();
  readonly #context: ViewContext;

  constructor(context: ViewContext) {
    this.#context = context;
  }

  /** It, and those in these answers, which were drawn anew. */
  within(...answers: readonly Element[]): this {
    for (const answer of answers) this.#answers.add(answer);
    return this;
  }

  /** False where there was no time for all of them. */
  draw(slice: Slice): boolean {
    const { mathematics: { code }, root } = this.#context;
    if (code === undefined) return true;
    code.dress(root);
    for (const answer of this.#answers) {
      for (const formula of answer.querySelectorAll(WAITING)) {
        if (slice.isOver) return false;
        put(formula, code.drawFormula(formula.textContent));
      }
      this.#answers.delete(answer);
    }
    return true;
  }
}

/** drawn: null where it is none that can be drawn, undefined where nobody knows yet. */
function put(formula: Element, drawn: Element | null | undefined): void {
  if (drawn === null) formula.setAttribute("data-as-written", "");
  else if (drawn !== undefined) formula.replaceWith(drawn);
}
