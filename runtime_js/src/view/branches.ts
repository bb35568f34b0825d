/** The arrows between alternatives of a message: ‹ 2/3 ›. */

import type { ViewContext } from "./context.ts";
import { element } from "./dom.ts";

/** Which of how many alternatives a message is, from 1. */
export interface Branch {
  readonly number: number;
  readonly of: number;
}

export function branchArrows({ number, of }: Branch, { words, locale }: ViewContext): HTMLElement {
  const arrow = (action: "former" | "next", label: string, sign: string, isEnd: boolean): HTMLElement =>
    element("button", { type: "button", class: "plain icon", "data-action": action, "aria-label": label, title: label, ...(isEnd && { disabled: "" }) }, sign);
  const [at, all] = [number.toLocaleString(locale), of.toLocaleString(locale)];
  // The signs are mirrored where text runs from right to left.
  return element("span", { class: "branches", role: "group", "aria-label": words.version.replace("{number}", at).replace("{of}", all) },
    arrow("former", words.formerVersion, "‹", number === 1),
    element("span", { "aria-hidden": "true" }, `${at}/${all}`),
    arrow("next", words.nextVersion, "›", number === of));
}
