/** What is copied of answers: Markdown, which other programs read, and beside it what the browser would copy. */

import type { ViewContext } from "./context.ts";
import { element } from "./dom.ts";

/** Where text is as it was written. */
const LITERAL = "pre, code, var, .message.user .body, .thought";

export function copyAsMarkdown(list: Element, event: ClipboardEvent, { markdown }: ViewContext): void {
  const selection = document.getSelection();
  if (selection === null || selection.rangeCount === 0 || event.clipboardData === null || markdown.code === undefined) return;
  const range = selection.getRangeAt(0).cloneRange();
  const around = (node: Node, selector: string): Element | null => (node instanceof Element ? node : node.parentElement)?.closest(selector) ?? null;
  if (!list.contains(range.commonAncestorContainer) || around(range.commonAncestorContainer, LITERAL) !== null) return;
  const [first, last] = [around(range.startContainer, ".formula"), around(range.endContainer, ".formula")];
  if (first !== null) range.setStartBefore(first);
  if (last !== null) range.setEndAfter(last);
  const holder = element("div", {}, range.cloneContents());
  event.preventDefault();
  event.clipboardData.setData("text/plain", markdown.code.markdownOf(holder));
  for (const button of holder.querySelectorAll("button")) button.remove();
  event.clipboardData.setData("text/html", holder.innerHTML);
}
