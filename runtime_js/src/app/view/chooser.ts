/** The site's models, in the card and in a dialog of their own, where there are several. */

import type { SiteModel } from "../../page/config.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatPlural } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import { byId, element } from "../../view/dom.ts";

/** What is known of a model on this device. */
export interface OnDevice {
  readonly isStored?: boolean | undefined;
  /** How it would run here, in words. */
  readonly verdict?: string | undefined;
}

/** By parameters: where the sizes end that the words tell apart. */
const SIZES = [600e6, 2e9, 5e9];

/** What it is good for, as far as its size and its template tell. */
export function purposeOf({ parameters, traits }: Pick<SiteModel, "parameters" | "traits">): string {
  const size = SIZES.filter((most) => parameters >= most).length;
  return [WORDS.models.sizes[size] ?? "", ...traits.map((trait) => WORDS.models[trait])].join(" ");
}

export class Chooser {
  readonly #models: readonly SiteModel[];
  readonly #onChoice: (model: SiteModel) => void;
  readonly #known = new Map<string, OnDevice>();
  #chosen: string | undefined;

  /** A page with one model has no place for it. */
  constructor(models: readonly SiteModel[], onChoice: (model: SiteModel) => void) {
    this.#models = models;
    this.#onChoice = onChoice;
    if (models.length === 1) return;
    byId("choose-model", HTMLButtonElement).addEventListener("click", () => this.#dialog.showModal());
  }

  get #dialog(): HTMLDialogElement {
    return byId("models", HTMLDialogElement);
  }

  /** Which one is chosen. */
  show({ id }: SiteModel): void {
    this.#chosen = id;
    this.#draw();
  }

  /** What was found out about a model; what is not told stays as it was. */
  tell({ id }: SiteModel, more: OnDevice): void {
    this.#known.set(id, { ...this.#known.get(id), ...more });
    this.#draw();
  }

  #draw(): void {
    if (this.#models.length === 1) return;
    const chosen = this.#models.find(({ id }) => id === this.#chosen);
    byId("chosen-model", HTMLElement).textContent = chosen?.name ?? "";
    for (const place of ["model-choices", "model-list"]) this.#drawIn(byId(place, HTMLUListElement));
  }

  /** The focus stays on the model that has it. */
  #drawIn(list: HTMLUListElement): void {
    const focused = list.contains(document.activeElement) && document.activeElement instanceof HTMLElement ? document.activeElement.dataset["model"] : undefined;
    list.replaceChildren(...this.#models.map((model) => element("li", {}, this.#button(model))));
    if (focused !== undefined) [...list.querySelectorAll("button")].find((button) => button.dataset["model"] === focused)?.focus();
  }

  #button(model: SiteModel): HTMLButtonElement {
    const { isStored = false, verdict } = this.#known.get(model.id) ?? {};
    const facts = [
      isStored ? WORDS.models.stored : fill(WORDS.models.download, { size: formatBytes(model.downloadBytes) }),
      ...(model.memoryBytes > 0 ? [fill(WORDS.models.memory, { size: formatBytes(model.memoryBytes) })] : []),
      fill(WORDS.models.context, { tokens: formatPlural(WORDS.card.tokens, model.contextLength) }),
    ];
    const button = element("button", { type: "button", class: "choice", "data-model": model.id, "aria-pressed": String(model.id === this.#chosen) },
      element("strong", {}, model.name), element("span", {}, purposeOf(model)), element("span", { class: "small" }, facts.join(" · ")));
    if (verdict !== undefined) button.append(element("span", { class: "small verdict" }, verdict));
    button.addEventListener("click", () => {
      this.#dialog.close();
      this.#onChoice(model);
    });
    return button;
  }
}
