/** The texts that came with a question, folded. */

import { formatLocalBytes } from "../support/format.ts";
import { element } from "./dom.ts";
import type { Message } from "./message.ts";

export function attachments({ attachments = [] }: Message, locale: string): HTMLElement[] {
  return attachments.map(({ name, text }) => element("details", { class: "attachment" },
    element("summary", {}, element("bdi", {}, name), " ", element("span", { class: "small" }, formatLocalBytes(new Blob([text]).size, locale))),
    element("pre", { dir: "auto", tabindex: "0" }, text)));
}
