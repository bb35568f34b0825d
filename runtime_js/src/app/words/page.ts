/** The texts of the page's template, which names the word of each: `data-word` of an element's text, `data-word-title` of its title, and so on. */

import { RIGHT_TO_LEFT } from "../../support/languages.ts";
import type { Words } from "./en.ts";
import { fill } from "./fill.ts";
import { LANGUAGE, WORDS } from "./words.ts";

const ATTRIBUTES = ["aria-label", "title", "placeholder", "content"] as const;

function isPageWord(name: string): name is keyof Words["page"] {
  return Object.hasOwn(WORDS.page, name);
}

/** The word that an attribute names. */
function wordOf(element: Element, attribute: string): string {
  const name = element.getAttribute(attribute) ?? "";
  return isPageWord(name) ? fill(WORDS.page[name], { title: document.title }) : name;
}

/** Say the page's own texts in this visit's language, and let them be seen. */
export function sayPage(): void {
  const root = document.documentElement;
  [root.lang, root.dir, root.dataset["said"]] = [LANGUAGE, RIGHT_TO_LEFT.includes(LANGUAGE) ? "rtl" : "ltr", ""];
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = wordOf(element, "data-word");
  for (const attribute of ATTRIBUTES) {
    const named = `data-word-${attribute}`;
    for (const element of document.querySelectorAll(`[${named}]`)) element.setAttribute(attribute, wordOf(element, named));
  }
}
