/** The page's elements. What they show is text: no model's words become HTML. */

import type { Card } from "./describe.ts";
import { score } from "./search.ts";

/** The page's element of that id. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`The page has no ${kind.name} #${id}.`);
  return found;
}

class PictureCard implements Card {
  readonly element = document.createElement("li");
  readonly #image = document.createElement("img");
  readonly #text = document.createElement("p");

  constructor(readonly picture: File) {
    const name = document.createElement("h2");
    name.textContent = this.#image.alt = picture.name;
    const url = URL.createObjectURL(picture);
    for (const event of ["load", "error"]) this.#image.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
    this.#image.addEventListener("error", () => { this.#image.hidden = true; }, { once: true }); // the card says what is wrong
    this.#image.src = url;
    this.element.append(this.#image, name, this.#text);
  }

  /** A description is what stands for the picture where it is not seen. */
  readonly say: Card["say"] = (text, state) => {
    this.#text.textContent = text;
    this.element.dataset["state"] = state;
    if (state === "known") this.#image.alt = text;
  };

  find(search: string): number {
    const isDescribed = this.element.dataset["state"] !== "failed";
    return score(search, `${this.picture.name} ${isDescribed ? this.#text.textContent ?? "" : ""}`);
  }
}

/** The pictures, those first that a search means. */
export class Gallery {
  readonly #list = byId("pictures", HTMLUListElement);
  readonly #none = byId("none", HTMLParagraphElement);
  readonly #cards: PictureCard[] = [];

  add(pictures: readonly File[]): readonly Card[] {
    const added = pictures.map((picture) => new PictureCard(picture));
    this.#cards.push(...added);
    this.#list.append(...added.map(({ element }) => element));
    return added;
  }

  search(text: string): void {
    const found = this.#cards.map((card) => ({ card, score: card.find(text) })).sort((a, b) => b.score - a.score);
    for (const { card: { element }, score: of } of found) element.hidden = of === 0;
    this.#list.append(...found.map(({ card }) => card.element));
    this.#none.hidden = found.length === 0 || found.some(({ score: of }) => of > 0);
  }
}
