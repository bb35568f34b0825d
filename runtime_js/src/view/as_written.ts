import { element } from "./dom.ts";

/** Text as it was written. */
export function asWritten(text: string): HTMLElement {
  return element("p", { class: "as-written", dir: "auto" }, text);
}

/** A text that grows, as it was written: a selection in it survives. */
export function showAsWritten(body: HTMLElement, text: string): void {
  const written = body.querySelector(":scope > .as-written")?.firstChild;
  if (written instanceof Text && text.startsWith(written.data)) written.appendData(text.slice(written.data.length));
  else body.replaceChildren(asWritten(text));
}
