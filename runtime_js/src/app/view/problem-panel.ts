/** Shows one problem with what to do about it. */

import type { Problem } from "../problems.ts";
import { byId } from "./dom.ts";

export class ProblemPanel {
  readonly #panel = byId("problem", HTMLElement);
  readonly #button = byId("problem-action", HTMLButtonElement);
  #problem: Problem | undefined;

  constructor(onAction: (problem: Problem) => void) {
    this.#button.addEventListener("click", () => {
      if (this.#problem !== undefined) onAction(this.#problem);
    });
  }

  show(problem: Problem): void {
    this.#problem = problem;
    byId("problem-title", HTMLElement).textContent = problem.title;
    byId("problem-text", HTMLElement).textContent = problem.text;
    byId("problem-fix", HTMLElement).textContent = problem.fix;
    byId("problem-details", HTMLElement).textContent = problem.details;
    this.#button.textContent = problem.button;
    this.#button.hidden = problem.action === "none";
    this.#panel.hidden = false;
    this.#panel.scrollIntoView({ block: "nearest" });
    this.#button.focus();
  }

  hide(): void {
    this.#problem = undefined;
    this.#panel.hidden = true;
  }
}
