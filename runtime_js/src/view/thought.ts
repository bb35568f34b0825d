/** What the model thinks, folded. */

import type { ViewContext } from "./context.ts";
import { element } from "./dom.ts";

export class Thought {
  readonly #context: ViewContext;
  readonly #summary = element("summary", {});
  readonly #text = new Text();
  readonly element = element("details", { class: "thought" }, this.#summary, element("div", { dir: "auto" }, this.#text));

  constructor(context: ViewContext) {
    this.#context = context;
  }

  /** seconds: how long it took; undefined where nobody has measured. */
  draw(thought: string, isGrowing: boolean, seconds: number | undefined): void {
    const { words, locale } = this.#context;
    const title = isGrowing ? words.thinking : seconds === undefined ? words.thoughts : words.thoughtFor.replace("{time}", time(seconds, locale));
    if (this.#summary.textContent !== title) this.#summary.textContent = title;
    if (thought.startsWith(this.#text.data)) this.#text.appendData(thought.slice(this.#text.length)); // a selection in it survives
    else this.#text.data = thought;
  }
}

/** "12 s", "3 min 5 s". */
function time(seconds: number, locale: string): string {
  const part = (value: number, unit: "minute" | "second"): string => value.toLocaleString(locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 });
  const whole = Math.max(1, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return [...(minutes > 0 ? [part(minutes, "minute")] : []), ...(minutes === 0 || whole % 60 > 0 ? [part(whole % 60, "second")] : [])].join(" ");
}
