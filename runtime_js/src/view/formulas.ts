/** Formulas in what was drawn: they stand in `var` until what draws them is there. */

import type { ViewContext } from "./context.ts";
import { Slice } from "./slice.ts";

const PAUSE_MS = 16;

/** Draw those that can be drawn now, and ask for the script where it is not there. */
export function drawFormulas(parent: ParentNode, { mathematics }: ViewContext): void {
  const found = parent.querySelectorAll("var:not([data-as-written])");
  if (found.length === 0) return;
  if (mathematics.code === undefined) void mathematics.load();
  else for (const formula of found) drawOne(formula, mathematics.code.drawFormula);
}

/** Draw those that were shown before the script was there, some at a time. */
export function drawLateFormulas(parent: ParentNode, context: ViewContext): void {
  const { code } = context.mathematics;
  if (code === undefined) return;
  const slice = new Slice();
  for (const formula of parent.querySelectorAll("var:not([data-as-written])")) {
    if (slice.isOver) {
      setTimeout(() => drawLateFormulas(parent, context), PAUSE_MS);
      return;
    }
    drawOne(formula, code.drawFormula);
  }
}

function drawOne(formula: Element, draw: (raw: string) => Element | undefined): void {
  const drawn = draw(formula.textContent);
  if (drawn === undefined) formula.setAttribute("data-as-written", "");
  else formula.replaceWith(drawn);
}
