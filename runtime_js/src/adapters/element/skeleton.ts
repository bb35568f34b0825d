/** What stands in the element's shadow root. The ids are those that views look for. No markup is parsed, which pages may forbid. */

import { element, icon, svg, type IconName } from "../../view/dom.ts";
import icons from "../../view/icons.json";
import type { ElementWords } from "./words.ts";

const SHAPES: Readonly<Record<IconName, { readonly line?: string; readonly solid?: string }>> = icons;

/** Defines what `icon` uses. */
function sprite(): SVGElement {
  const symbols = Object.entries(SHAPES).map(([name, { line, solid }]) => svg("symbol", { id: `icon-${name}`, viewBox: "0 0 24 24" },
    ...(line === undefined ? [] : [svg("path", { d: line })]),
    ...(solid === undefined ? [] : [svg("path", { d: solid, class: "solid" })])));
  return svg("svg", { class: "sprite", "aria-hidden": "true" }, ...symbols);
}

function composer(words: ElementWords): HTMLFormElement {
  const round = (id: "send" | "stop", type: string, label: string): HTMLElement =>
    element("button", { id, type, class: "round", part: `button ${id}`, "aria-label": label, title: label }, icon(id));
  return element("form", { id: "composer", class: "composer", part: "composer" },
    element("div", { id: "editing", class: "editing", hidden: "" }, element("span", {}, words.changing),
      element("button", { id: "cancel-edit", type: "button", class: "plain icon", "aria-label": words.leaveChange, title: words.leaveChange }, icon("close"))),
    element("label", { for: "prompt", class: "hidden" }, words.message),
    element("textarea", { id: "prompt", part: "input", rows: "1", dir: "auto", disabled: "" }),
    round("send", "submit", words.send),
    round("stop", "button", words.stop));
}

/** What stands where the model is not loaded: what it is and a button, then how far it is. */
function offer(words: ElementWords, model: string): HTMLElement {
  return element("div", { id: "offer", class: "offer", part: "offer" },
    element("p", { class: "small" }, words.about(model)),
    element("button", { id: "start", type: "button", class: "primary", part: "button start" }),
    element("div", { id: "loading", class: "loading", part: "progress", hidden: "" },
      element("p", { class: "phase" }, element("span", { id: "phase" }, words.loading), element("span", { id: "amount", class: "small" })),
      element("progress", { id: "bar", max: "1", "aria-labelledby": "phase" }),
      element("button", { id: "cancel", type: "button", class: "plain", part: "button" }, words.cancel)));
}

export function skeleton(words: ElementWords, model: string): HTMLElement {
  return element("div", { id: "chat", class: "chat", role: "region", "aria-label": words.label(model) },
    sprite(),
    element("div", { id: "main", class: "main", part: "conversation" },
      element("div", { id: "welcome", class: "welcome", part: "welcome" }, element("slot", {}, element("p", { class: "greeting" }, words.welcome))),
      element("ol", { id: "messages", part: "messages", "aria-label": words.conversation }),
      element("div", { id: "problem", class: "problem", part: "error", role: "alert", hidden: "" },
        element("p", { id: "problem-text" }), element("button", { id: "again", type: "button", class: "second", part: "button" }, words.tryAgain)),
      offer(words, model)),
    element("div", { class: "bottom" },
      element("button", { id: "to-end", type: "button", class: "to-end", "aria-label": words.toEnd, title: words.toEnd, hidden: "" }, icon("down")),
      composer(words)),
    element("p", { id: "announce", class: "hidden", "aria-live": "polite" }));
}
