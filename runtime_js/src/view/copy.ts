/** What is copied of answers: formulas as they were written, which other programs read; all else as the browser would. */

import { element } from "./dom.ts";

export function copyFormulas(list: Element, event: ClipboardEvent): void {
  const selection = document.getSelection();
  if (selection === null || selection.rangeCount === 0 || event.clipboardData === null) return;
  const range = selection.getRangeAt(0).cloneRange();
  const around = (node: Node): Element | null => (node instanceof Element ? node : node.parentElement)?.closest(".formula") ?? null;
  const [first, last] = [around(range.startContainer), around(range.endContainer)];
  if (first !== null) range.setStartBefore(first);
  if (last !== null) range.setEndAfter(last);
  const holder = element("div", { class: "message body hidden" }, range.cloneContents());
  const formulas = holder.querySelectorAll<HTMLElement>(".formula");
  if (formulas.length === 0) return;
  event.preventDefault();
  event.clipboardData.setData("text/html", holder.innerHTML);
  for (const formula of formulas) {
    const tex = formula.dataset["tex"] ?? "";
    formula.replaceWith(formula.matches(".displayed") ? element("div", {}, tex) : tex);
  }
  list.append(holder); // lines are known where there is layout
  event.clipboardData.setData("text/plain", holder.innerText);
  holder.remove();
}
