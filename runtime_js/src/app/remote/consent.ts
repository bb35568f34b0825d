/** Asks the visitor, before the first byte leaves, whether it may. The answer and a key are kept until the tab is closed. */

import { Fields } from "../../support/fields.ts";
import { element } from "../../view/dom.ts";
import type { SafeStorage } from "../safe_storage.ts";

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
  #asking: Promise<Said> | undefined;

  /** host: whom the site would ask; model: its name there. */
  constructor(storage: SafeStorage, host: string, model: string) {
    this.#storage = storage;
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
    const [host, model] = [this.#host, this.#model];
    const key = element("input", { type: "password", id: "remote-key", autocomplete: "off", maxlength: String(MAX_KEY) });
    const title = element("h2", { id: "remote-title" }, `Ask ${host}?`);
    const text = element("p", { id: "remote-text" },
      `${model} at ${host} can answer in the place of this device. The messages of this conversation, and those that you write from now on, are then sent to ${host}. `
      + "Each answer says where it came from.");
    const form = element("form", { method: "dialog" }, title, text,
      element("label", { for: "remote-key" }, `Key, if ${host} wants one`), key,
      element("p", { class: "small" }, `It is kept until this tab is closed, and sent to ${host} alone.`),
      element("div", { class: "actions end" },
        element("button", { class: "second", value: "" }, "Only this device"),
        element("button", { class: "primary", id: "remote-allow", value: "yes" }, `Send to ${host}`)));
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
