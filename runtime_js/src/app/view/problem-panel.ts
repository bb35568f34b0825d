/** Shows one problem with what to do about it. */

import type { Problem, ProblemAction } from "../problems.ts";
import { WORDS } from "../words/words.ts";
import { byId, element } from "../../view/dom.ts";

export class ProblemPanel {
  readonly #panel = byId("problem", HTMLElement);
  readonly #ways = byId("problem-ways", HTMLElement);
  readonly #onAction: (action: ProblemAction) => void;

  constructor(onAction: (action: ProblemAction) => void) {
    this.#onAction = onAction;
  }

  show({ title, text, fix, details, ways }: Problem): void {
    byId("problem-title", HTMLElement).textContent = title;
    byId("problem-text", HTMLElement).textContent = text;
    byId("problem-fix", HTMLElement).textContent = fix;
    byId("problem-details", HTMLElement).textContent = details;
    const buttons = ways.map(({ action, label }, index) => {
      const button = element("button", { type: "button", "data-action": action, ...(index === 0 ? { id: "problem-action", class: "primary" } : { class: "second" }) }, WORDS.ways[label]);
      button.addEventListener("click", () => this.#onAction(action));
      return button;
    });
    this.#ways.replaceChildren(...buttons);
    this.#panel.hidden = false;
    this.#panel.scrollIntoView({ block: "nearest" });
    buttons[0]?.focus();
  }

  hide(): void {
    this.#panel.hidden = true;
  }
}
