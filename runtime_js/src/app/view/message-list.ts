/** The conversation on the page. Only the message that changes is drawn again. */

import type { Ending, Message } from "../conversation.ts";
import { renderMarkdown } from "../markdown.ts";
import { byId, element, flash, icon } from "./dom.ts";

const NOTES: Readonly<Partial<Record<Ending, string>>> = {
  length: "Stopped at the longest answer that the settings allow.",
  abort: "Stopped.",
  failed: "Broken off by an error.",
};
const REDRAW_MS = 60;

export interface MessageActions {
  /** Answer anew; index: of the answer. */
  retry(index: number): void;
  /** Change a question; index: of the question. */
  edit(index: number): void;
}

export class MessageList {
  readonly #list = byId("messages", HTMLOListElement);
  readonly #items: HTMLLIElement[] = [];
  #latest: Message | undefined;
  #redraw: ReturnType<typeof setTimeout> | undefined;

  constructor(actions: MessageActions, text: (index: number) => string) {
    this.#list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button[data-action]") : null;
      const item = button?.closest("li.message") ?? null;
      const index = this.#items.findIndex((candidate) => candidate === item);
      if (button === null || index < 0) return;
      const action = button.dataset["action"];
      if (action === "retry") actions.retry(index);
      else if (action === "edit") actions.edit(index);
      else if (action === "copy") void copy(button, text(index));
      else if (action === "copy-code") void copy(button, button.parentElement?.querySelector("pre")?.textContent ?? "");
    });
  }

  add(message: Message): void {
    const item = element("li", { class: `message ${message.role}` });
    this.#items.push(item);
    this.#list.append(item);
    this.#draw(item, message);
  }

  /** A finished message is drawn at once, a growing one at most every REDRAW_MS. */
  updateLast(message: Message): void {
    this.#latest = message;
    if (message.ending !== "open") {
      this.#drawLatest();
    } else {
      this.#redraw ??= setTimeout(() => this.#drawLatest(), REDRAW_MS);
    }
  }

  truncate(length: number): void {
    this.#forgetRedraw();
    for (const item of this.#items.splice(length)) item.remove();
  }

  #drawLatest(): void {
    const item = this.#items.at(-1);
    if (item !== undefined && this.#latest !== undefined) this.#draw(item, this.#latest);
    this.#forgetRedraw();
  }

  #forgetRedraw(): void {
    clearTimeout(this.#redraw);
    this.#redraw = undefined;
    this.#latest = undefined;
  }

  #draw(item: HTMLLIElement, message: Message): void {
    const open = message.ending === "open";
    item.toggleAttribute("data-open", open);
    const name = element("span", { class: "hidden" }, message.role === "user" ? "You wrote:" : "The model answered:");
    const body = element("div", { class: "body" });
    if (message.role === "user") body.textContent = message.text;
    else if (message.text === "" && open) body.append(element("span", { class: "waiting" }, element("span", { class: "hidden" }, "Thinking")));
    else body.append(renderMarkdown(message.text));
    item.replaceChildren(name, body);
    const note = NOTES[message.ending];
    if (note !== undefined) item.append(element("p", { class: "note" }, note));
    if (!open) item.append(toolbar(message));
  }
}

function toolbar(message: Message): HTMLElement {
  const bar = element("div", { class: "tools" });
  const button = (action: string, label: string, symbol: "copy" | "again" | "edit"): HTMLButtonElement =>
    element("button", { type: "button", class: "plain icon", "data-action": action, "aria-label": label, title: label }, icon(symbol));
  bar.append(button("copy", "Copy", "copy"));
  if (message.role === "user") bar.append(button("edit", "Change", "edit"));
  else bar.append(button("retry", "Answer again", "again"));
  if (message.speed !== undefined) bar.append(element("span", { class: "speed" }, `${message.speed.toFixed(1)} tokens/s`));
  return bar;
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  flash(button, "check", "copy");
}
