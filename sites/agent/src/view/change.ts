/** A change as people read it, with the question whether it may be made. */

import { fieldDiffs, type FieldDiff } from "../diff.ts";
import type { Change } from "../tools.ts";
import { element } from "./dom.ts";

const LABELS = { same: "", removed: "Removed: ", added: "Added: " } as const;
const TIMES = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

export class ChangeCard {
  readonly card: HTMLElement;
  readonly #allow = element("button", { textContent: "Allow", className: "allow" });
  readonly #refuse = element("button", { textContent: "Refuse", className: "refuse" });
  readonly #buttons = element("div", { className: "buttons" }, this.#allow, this.#refuse);

  constructor({ title, before, after }: Change, asker: string | null) {
    const kind = before === null ? "create" : after === null ? "delete" : "update";
    this.card = element("section", { className: `change ${kind}`, ariaLabel: title }, element("h3", { textContent: title }));
    if (asker !== null) this.card.append(element("p", { className: "asker", textContent: asker }));
    this.card.append(element("dl", {}, ...fieldDiffs(before, after).flatMap(field)), this.#buttons);
  }

  /** What the user decides; raises the signal's reason. Nothing but a click decides. */
  decide(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (told: string): void => {
        signal.removeEventListener("abort", stop);
        this.card.classList.add("decided");
        this.#buttons.replaceChildren(element("p", { className: "decision", textContent: told }));
      };
      const stop = (): void => {
        end("Stopped. Nothing was changed.");
        reject(signal.reason);
      };
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop);
      this.#allow.onclick = () => {
        end("Allowed.");
        resolve(true);
      };
      this.#refuse.onclick = () => {
        end("Refused. Nothing was changed.");
        resolve(false);
      };
      this.#refuse.focus({ preventScroll: true });
    });
  }
}

function field({ field: name, lines }: FieldDiff): HTMLElement[] {
  const shown = lines.map(({ kind, text }) => element(kind === "removed" ? "del" : kind === "added" ? "ins" : "span", { className: "line" },
    element("span", { className: "hidden", textContent: LABELS[kind] }), readable(text)));
  return [element("dt", { textContent: name }), element("dd", {}, ...shown)];
}

/** A time in the visitor's words; other text as it is. */
function readable(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? TIMES.format(new Date(text)) : text;
}
