/** How much of the context is used, as the engine counted it with the latest answer. */

import { byId } from "../../view/dom.ts";
import { fill } from "../words/fill.ts";
import { formatNumber } from "../words/format.ts";
import { WORDS } from "../words/words.ts";

/** Part of the context from which on it is nearly full. */
const NEARLY = 0.85;

export class ContextMeter {
  readonly #whole = byId("context", HTMLElement);
  readonly #bar = byId("context-bar", HTMLMeterElement);
  readonly #text = byId("context-text", HTMLElement);

  /** used: tokens of conversation and answer; undefined where nothing was counted. total: those that there is room for. */
  show(used: number | undefined, total: number): void {
    this.#whole.hidden = used === undefined;
    if (used === undefined) return;
    const share = Math.min(1, used / total);
    this.#bar.value = share;
    this.#bar.high = NEARLY;
    this.#text.textContent = fill(WORDS.context.used, { used: formatNumber(used), total: formatNumber(total) });
    this.#whole.toggleAttribute("data-full", share >= NEARLY);
    this.#whole.title = share >= NEARLY ? WORDS.context.nearlyFull : "";
  }
}
