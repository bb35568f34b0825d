/** The texts that came with a question, folded. */

import { formatBytes } from "../support/format.ts";
import { element } from "./dom.ts";
import type { Message } from "./message.ts";

export function attachments({ attachments = [] }: Message): HTMLElement[] {
  return attachments.map(({ name, text }) => element("details", { class: "attachment" },
    element("summary", {}, element("bdi", {}, name), element("span", { class: "small" }, formatBytes(new Blob([text]).size))),
    element("pre", { dir: "auto", tabindex: "0" }, text)));
}
