import { element } from "./dom.ts";

/** Text as it was written. */
export function asWritten(text: string): HTMLElement {
  return element("p", { class: "as-written", dir: "auto" }, text);
}
