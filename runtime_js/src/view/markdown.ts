/**
 * A model's answer as Markdown → nodes that are safe to insert, block by block.
 *
 * Raw HTML in the answer is shown as text, images become their description (a model must not make the browser fetch anything),
 * and what marked produces still goes through DOMPurify with a short list of tags. A model that has lost its way writes "> > > ..." or
 * one endless line: what is nested too deep, or too long to look for emphasis in, is shown as it was written.
 */

import DOMPurify from "dompurify";
import { Lexer, Marked, Parser, type Links, type Token, type Tokens } from "marked";
import { asWritten } from "./as_written.ts";
import { element, icon } from "./dom.ts";
import type { ViewWords } from "./words.ts";

const TAGS = [
  "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
  "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const ATTRIBUTES = ["href", "start", "align"];
/** Each may be in another script than its neighbour, and is laid out by its own first letter. */
const BLOCKS = "p, li, blockquote, h1, h2, h3, h4, h5, h6, td, th";

/** marked's time grows with the square of a run of text, and of the marks in it. */
const MAX_INLINE = 8192;
const MAX_MARKS = 1024;
const MARK = /[*_~`[\]]/g;
/** A hundred marks of quotes and lists before a line's text, or as many levels of indentation. marked calls itself for each. */
const TOO_DEEP = /^(?:(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){100}|[ \t]{200,}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]))/m;

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const { defaults: options } = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escapeHtml(text),
    image: ({ text }) => escapeHtml(text),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

/** Link definitions by their name, as marked keeps them. */
export type Definitions = Links;

/** Where the part begins that is nested too deep to be read as Markdown; the text's length where none is. */
export function readableLength(text: string): number {
  const at = text.search(TOO_DEEP);
  return at < 0 ? text.length : at;
}

/** The blocks of a text; `definitions` are known before it, and those in it are added. Undefined where marked cannot read it. */
export function readBlocks(text: string, definitions: Definitions): Token[] | undefined {
  const lexer = new Lexer(options);
  lexer.tokens.links = definitions;
  try {
    const blocks = lexer.blockTokens(text, lexer.tokens);
    for (const { src, tokens } of lexer.inlineQueue) {
      if (src.length > MAX_INLINE || (src.match(MARK)?.length ?? 0) > MAX_MARKS) tokens.push({ type: "text", raw: src, text: src, escaped: false });
      else lexer.inlineTokens(src, tokens);
    }
    return [...blocks];
  } catch { // its recursion went too deep
    return undefined;
  }
}

/** Characters of a list that is drawn in parts while it grows. */
const LONG_LIST = 4096;

function isList(block: Token): block is Tokens.List {
  return block.type === "list";
}

/** The same blocks, but a long list is several: its last two items, which may still change, and all before them. */
export function splitLists(blocks: readonly Token[]): Token[] {
  return blocks.flatMap((block) => {
    if (!isList(block) || block.raw.length < LONG_LIST || block.items.length < 3) return [block];
    const part = (from: number, to: number): Tokens.List => {
      const items = block.items.slice(from, to);
      return { ...block, items, start: block.start === "" ? "" : block.start + from, raw: items.map(({ raw }) => raw).join("") };
    };
    const end = block.items.length;
    const parts = [part(0, end - 2), part(end - 2, end - 1), part(end - 1, end)];
    return parts.map(({ raw }) => raw).join("") === block.raw ? parts : [block];
  });
}

/** Nodes of one block. */
export function renderBlock(block: Token, words: ViewWords): DocumentFragment {
  let html: string;
  try {
    html = new Parser(options).parse([block]);
  } catch {
    const fragment = document.createDocumentFragment();
    fragment.append(asWritten(block.raw));
    return fragment;
  }
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const block of fragment.querySelectorAll<HTMLElement>(BLOCKS)) block.dir = "auto";
  for (const link of fragment.querySelectorAll("a")) finishLink(link);
  for (const table of fragment.querySelectorAll("table")) {
    const frame = element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": words.table });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const block of fragment.querySelectorAll("pre")) {
    block.tabIndex = 0;
    const frame = element("div", { class: "code" });
    block.replaceWith(frame);
    frame.append(element("button", { type: "button", class: "plain icon", "data-action": "copy-code", "aria-label": words.copyCode }, icon("copy")), block);
  }
  return fragment;
}

/** A link's words can say one address and lead to another, also by letters that change the direction of writing: its host stands behind it. */
function finishLink(link: HTMLAnchorElement): void {
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  if (!link.hasAttribute("href")) return;
  const place = link.protocol === "mailto:" ? link.pathname : link.host;
  const words = link.textContent;
  if (link.username === "" && (words === link.href || words === link.getAttribute("href") || words === place)) return;
  link.after(element("span", { class: "host" }, place));
}
