/** A chat in the list: a link to it, and what can be done with it, folded. */

import { element, icon } from "../../view/dom.ts";
import { addressOf } from "../chats/address.ts";
import { MAX_TITLE, type ChatRecord } from "../chats/record.ts";
import type { ChatWords } from "./words.ts";

export interface RowActions {
  rename(record: ChatRecord, title: string): void;
  pin(record: ChatRecord): void;
  save(record: ChatRecord, as: "json" | "md"): void;
  delete(record: ChatRecord): void;
}

export class Row {
  readonly element: HTMLLIElement;
  readonly link: HTMLAnchorElement;
  readonly #record: ChatRecord;
  readonly #words: ChatWords;
  readonly #actions: RowActions;

  constructor(record: ChatRecord, isCurrent: boolean, words: ChatWords, actions: RowActions) {
    [this.#record, this.#words, this.#actions] = [record, words, actions];
    const title = record.title === "" ? words.untitled : record.title;
    this.link = element("a", { href: new URL(addressOf(location.href, record.id)).hash, dir: "auto", title, ...(isCurrent && { "aria-current": "page" }) },
      ...(record.pinned ? [icon("pin"), element("span", { class: "hidden" }, words.pinned)] : []), title);
    const label = words.more.replace("{title}", () => title);
    const more = element("button", { type: "button", class: "plain icon", "aria-expanded": "false", "aria-label": label, title: label }, icon("more"));
    const ways = element("div", { class: "ways", hidden: "" },
      this.#way(words.rename, () => this.#rename()),
      this.#way(record.pinned ? words.unpin : words.pin, () => actions.pin(record)),
      this.#way(words.asMarkdown, () => actions.save(record, "md")),
      this.#way(words.asJson, () => actions.save(record, "json")),
      this.#way(words.delete, () => actions.delete(record)));
    more.addEventListener("click", () => {
      ways.hidden = !ways.hidden;
      more.setAttribute("aria-expanded", String(!ways.hidden));
    });
    this.element = element("li", {}, this.link, more, ways);
  }

  #way(label: string, press: () => void): HTMLButtonElement {
    const button = element("button", { type: "button", class: "plain" }, label);
    button.addEventListener("click", press);
    return button;
  }

  /** Enter, or going elsewhere, takes the name; Esc leaves it as it was. */
  #rename(): void {
    const { title } = this.#record;
    const field = element("input", { type: "text", maxlength: String(MAX_TITLE), "aria-label": this.#words.name, dir: "auto", value: title });
    const form = element("form", {}, field);
    let isDone = false;
    const end = (name: string): void => {
      if (isDone) return; // the field that goes loses the keys
      isDone = true;
      form.replaceWith(this.link);
      this.link.focus();
      if (name !== "" && name !== title) this.#actions.rename(this.#record, name);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      end(field.value.trim());
    });
    field.addEventListener("blur", () => end(field.value.trim()));
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault();
      end("");
    });
    this.link.replaceWith(form);
    field.select();
  }
}
