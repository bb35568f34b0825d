/** The lines above the page: things worth knowing that stop nothing. */

import { byId, element, icon } from "../../view/dom.ts";
import { WORDS } from "../words/words.ts";

/** There is one line for each, but for each chat that was deleted. copy: the browser did not let the page copy. computer: another computes now. remote: who might answer elsewhere did not. chats: they are not kept. deleted: a chat was. file: what became of one. part: a script of the page did not come. sense: what sees or hears is loaded. persist: the browser asks whether it may keep the model. */
export type NoticeKind = "update" | "persist" | "storage" | "copy" | "computer" | "remote" | "chats" | "deleted" | "file" | "part" | "sense";

interface Action {
  readonly label: string;
  readonly press: () => void;
}

/** What a person does again is said again. */
const EACH_TIME: readonly NoticeKind[] = ["copy", "deleted", "file", "part", "sense"];

const shown = new Map<NoticeKind, string>();

/** Show a sentence that can be closed; gives what closes it. What was said once is not said again, whether it was closed or not, unless the user asks again. */
export function showNotice(kind: NoticeKind, text: string, action: Action | readonly Action[] = []): () => void {
  if (shown.get(kind) === text && !EACH_TIME.includes(kind)) return () => undefined;
  shown.set(kind, text);
  const notices = byId("notice", HTMLElement);
  const line = element("p", { "data-kind": kind }, element("span", {}, text));
  const close = (): void => {
    line.remove();
    notices.hidden = notices.childElementCount === 0;
  };
  const button = (button: HTMLButtonElement, press?: () => void): void => {
    button.addEventListener("click", () => {
      close();
      press?.();
    });
    line.append(button);
  };
  for (const { label, press } of [action].flat()) button(element("button", { type: "button", class: "primary" }, label), press);
  button(element("button", { type: "button", class: "plain icon", "aria-label": WORDS.notice.close, title: WORDS.notice.close }, icon("close")));
  const former = kind === "deleted" ? null : notices.querySelector(`[data-kind="${kind}"]`);
  if (former === null) notices.append(line);
  else former.replaceWith(line);
  notices.hidden = false;
  return close;
}

/** Close what was said, because it holds no more; it may be said again. */
export function hideNotice(kind: NoticeKind): void {
  shown.delete(kind);
  const notices = byId("notice", HTMLElement);
  notices.querySelector(`[data-kind="${kind}"]`)?.remove();
  notices.hidden = notices.childElementCount === 0;
}
