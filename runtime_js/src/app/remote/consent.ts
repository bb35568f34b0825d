/** Asks the visitor, before the first byte leaves, whether it may. The answer and a key are kept until the tab is closed. */

import { Fields } from "../../support/fields.ts";
import { element } from "../../view/dom.ts";
import type { SafeStorage } from "../safe_storage.ts";
import type { Words } from "../words/en.ts";
import { fill } from "../words/fill.ts";

const KEY = "webllm-build:remote";
const MAX_KEY = 4096;

interface Said {
  readonly allows: boolean;
  /** Empty: none is sent. */
  readonly key: string;
}

export class Consent {
  readonly #storage: SafeStorage;
  readonly #host: string;
  readonly #model: string;
  readonly #words: Words["remote"];
  #asking: Promise<Said> | undefined;

  /** host: whom the site would ask; model: its name there. */
  constructor(storage: SafeStorage, host: string, model: string, words: Words["remote"]) {
    this.#storage = storage;
    this.#words = words;
    this.#host = host;
    this.#model = model;
  }

  /** What was said in this tab for this host and model; undefined: nothing yet. */
  get said(): Said | undefined {
    try {
      const said = new Fields(JSON.parse(this.#storage.get(KEY) ?? "null"), "remote", (message) => new Error(message));
      if (said.string("host", MAX_KEY) !== this.#host || said.string("model", MAX_KEY) !== this.#model) return undefined;
      return { allows: said.boolean("allows"), key: said.string("key", MAX_KEY) };
    } catch {
      return undefined;
    }
  }

  /** The next question is asked again. */
  forget(): void {
    this.#storage.set(KEY, "null");
  }

  /** Closing the dialog says no. */
  ask(): Promise<Said> {
    return this.#asking ??= this.#ask().finally(() => { this.#asking = undefined; });
  }

  async #ask(): Promise<Said> {
    const [host, model, words] = [this.#host, this.#model, this.#words];
    const say = (text: string): string => fill(text, { host, model });
    const key = element("input", { type: "password", id: "remote-key", autocomplete: "off", maxlength: String(MAX_KEY) });
    const title = element("h2", { id: "remote-title" }, say(words.title));
    const text = element("p", { id: "remote-text" }, say(words.text));
    const form = element("form", { method: "dialog" }, title, text,
      element("label", { for: "remote-key" }, say(words.key)), key,
      element("p", { class: "small" }, say(words.keyHelp)),
      element("div", { class: "actions end" },
        element("button", { class: "second", value: "" }, words.refuse),
        element("button", { class: "primary", id: "remote-allow", value: "yes" }, say(words.allow))));
    const dialog = element("dialog", { id: "remote", "aria-labelledby": "remote-title", "aria-describedby": "remote-text" }, form);
    document.body.append(dialog);
    dialog.showModal();
    await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
    dialog.remove();
    const said = { allows: dialog.returnValue === "yes", key: key.value.trim() };
    this.#storage.set(KEY, JSON.stringify({ host, model, ...said }));
    return said;
  }
}
