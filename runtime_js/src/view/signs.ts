/**
 * Letters that change the order in which others are shown, or that nobody sees. In code and links they make one thing look like another, so there they are
 * shown by their numbers, each apart from what stands around it; they are copied as they are.
 */

import { element } from "./dom.ts";

/** A joiner between the parts of one picture is none. */
const SIGN = /([\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|(?<![\p{Extended_Pictographic}\ufe0f\u{1f3fb}-\u{1f3ff}])\u200d)/u;

export function hasSigns(text: string): boolean {
  return SIGN.test(text);
}

/** Nodes of a text, with its signs shown. */
export function withSigns(text: string): (Node | string)[] {
  if (!hasSigns(text)) return [text];
  return text.split(SIGN).map((part, index) => (index % 2 === 0 ? part : element("bdi", { class: "sign", title: numberOf(part) }, part))).filter((part) => part !== "");
}

/** Show the signs of all text in an element. */
export function showSigns(parent: Element): void {
  if (!hasSigns(parent.textContent)) return;
  const texts = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) if (node instanceof Text && hasSigns(node.data)) found.push(node);
  for (const text of found) text.replaceWith(...withSigns(text.data));
}

function numberOf(sign: string): string {
  return `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
