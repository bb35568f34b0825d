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
import { CodeBlock } from "./code_block.ts";
import type { ViewContext } from "./context.ts";
import { element } from "./dom.ts";
import { footnoteExtensions } from "./footnotes.ts";
import { formulaExtensions } from "./formula_syntax.ts";
import { drawKnownFormulas } from "./formulas.ts";
import { cutList, type Further } from "./long_list.ts";
import { showSigns } from "./signs.ts";

const TAGS = [
  "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "kbd", "li", "ol", "p", "pre", "strong", "sup",
  "table", "tbody", "td", "th", "thead", "tr", "ul", "var",
];
const ATTRIBUTES = ["href", "start", "align"];
/** Each may be in another script than its neighbour, and is laid out by its own first letter. */
const BLOCKS = "p, dd, h1, h2, h3, h4, h5, h6, td, th";
/** Where marks, bars and columns stand follows from what is in them; to "auto" that would say nothing, as what is in them has directions of its own. */
const FRAMES = "ul, ol, li, blockquote, table, dl";
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** What is between their children is no text. */
const PARTED = "ol, ul, table, thead, tbody, tr";

/** marked's time grows with the square of a run of text, and of the marks in it. */
const MAX_INLINE = 8192;
const MAX_MARKS = 1024;
const MARK = /[*_~`[\]$]|\\[([]/g;
/** A hundred marks of quotes and lists before a line's text, or as many levels of indentation. marked calls itself for each. */
const TOO_DEEP = /^(?:(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){100}|[ \t]{200,}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]))/m;

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const { defaults: options } = new Marked({
  gfm: true,
  breaks: true,
  extensions: [...formulaExtensions(escapeHtml), ...footnoteExtensions(escapeHtml)],
  renderer: {
    html: ({ text }) => escapeHtml(text),
    image: ({ text }) => escapeHtml(text),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang = "" }) => `<pre><kbd>${escapeHtml(lang)}</kbd><code>${escapeHtml(text === "" ? "" : `${text.replace(/\n$/, "")}\n`)}</code></pre>`,
    listitem(item) {
      return `<li>${this.parser.parse(withOwnSpace(item).tokens)}</li>`;
    },
  },
});

/** An item's paragraphs have space between them where the item itself has, whatever its neighbours have: so it looks as it did when it was the last. */
function withOwnSpace(item: Tokens.ListItem): Tokens.ListItem {
  const type = /\n[ \t]*\n/.test(item.raw) ? "paragraph" : "text";
  return { ...item, tokens: item.tokens.map((token) => (token.type === "paragraph" || token.type === "text" ? { ...token, type } : token)) };
}

/** Where the part begins that is nested too deep to be read as Markdown; the text's length where none is. */
export function readableLength(text: string): number {
  const at = text.search(TOO_DEEP);
  return at < 0 ? text.length : at;
}

/** The blocks of a text; `definitions`, by their names, are known before it, and those in it are added. Undefined where marked cannot read it. */
export function readBlocks(text: string, definitions: Links): Token[] | undefined {
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

/** Characters of a block that is drawn in parts while it grows. */
const LONG = 1024;
/** Of what is read with each part again. */
const MAX_HEAD = 2048;
/** The last row grows, and the one before may turn out to be of another kind. */
const FLUID_PARTS = 2;

/** The beginning of a long block that may still grow: the parts that can change no more, as a block of the same kind. */
export interface Begun {
  readonly begin: Token;
  /** Undefined where another block follows, as behind a part of a paragraph. */
  readonly further?: Further;
}

/** former: how the block goes on with one before. Undefined where it has no such beginning. */
export function takeApart(block: Token, former: Further = { head: "", path: [] }): Begun | undefined {
  if (isParagraph(block)) return cutParagraph(block);
  if (isTable(block)) {
    const lines = block.raw.split(/(?<=\n)/);
    const head = lines.slice(0, 2).join("");
    if (lines.length !== block.rows.length + 2 || head.length > MAX_HEAD) return undefined;
    const rows = block.rows.slice(0, long(lines.slice(2)));
    return rows.length === 0 ? undefined : { begin: { ...block, rows, raw: lines.slice(0, rows.length + 2).join("") }, further: { head, path: [] } };
  }
  const cut = cutList(block, former);
  return cut === undefined || cut.further.head.length > MAX_HEAD ? undefined : cut;
}

/** How many of a block's parts are long together: so many are drawn at once, whenever the others come. 0 where none of them is sure to stay. */
function long(parts: readonly string[]): number {
  let length = 0;
  const last = parts.findIndex((part) => (length += part.length) >= LONG);
  return last < 0 || last + FLUID_PARTS >= parts.length ? 0 : last + 1;
}

/** A paragraph this long is drawn as several, as soon as so much more of it is there. */
const LONG_PARAGRAPH = 4096;
const MORE = 2048;
/** Where a paragraph may end, from the best to the worst: behind a sentence, a word, a letter. What follows is not taken for another kind of block. */
const ENDS = [/(?<=[.!?…。！？]["'”’)\]]*)\s+(?=\p{L})/u, /\s+(?=\p{L})/u, /(?<=\p{L})(?=\p{L})/u];

function cutParagraph(block: Tokens.Paragraph): Begun | undefined {
  if (block.raw.length < LONG_PARAGRAPH + MORE || block.tokens.map(({ raw }) => raw).join("") !== block.text || !block.raw.startsWith(block.text)) return undefined;
  for (const end of ENDS) {
    let at = 0;
    for (const [index, token] of block.tokens.entries()) {
      const from = Math.max(0, LONG_PARAGRAPH - at);
      const match = token.type === "text" && from < token.raw.length ? end.exec(token.raw.slice(from)) : null;
      at += token.raw.length;
      if (match === null || at - token.raw.length + from + match.index > LONG_PARAGRAPH + MORE / 2) continue;
      const raw = token.raw.slice(0, from + match.index + match[0].length);
      const tokens = [...block.tokens.slice(0, index), { ...token, raw, text: raw.trimEnd() }];
      return { begin: { ...block, tokens, raw: tokens.map((each) => each.raw).join("") } };
    }
  }
  return undefined;
}

function isParagraph(block: Token): block is Tokens.Paragraph {
  return block.type === "paragraph";
}

function isTable(block: Token): block is Tokens.Table {
  return block.type === "table";
}

/** The beginning of a block of code. */
export interface Fence {
  /** Up to the first line of code. */
  readonly opening: string;
  readonly info: string;
  /** Spaces before the fence: so many do not count in a line of code either. */
  readonly indent: number;
  /** The line that ends it. */
  readonly end: RegExp;
}

const FENCE = /^((?:[ \t]*\n)*)( {0,3})(`{3,}(?=[^`\n]*\n)|~{3,})([^\n]*)\n/;

/** Of a text that begins with one, behind empty lines, if its first line is whole. */
export function openFence(text: string): Fence | undefined {
  const [opening, , spaces = "", fence = "", info = ""] = FENCE.exec(text) ?? [];
  if (opening === undefined) return undefined;
  return { opening, info: info.trim(), indent: spaces.length, end: new RegExp(`^ {0,3}${fence}${fence.charAt(0)}*[ \\t]*$`) };
}

/** Nodes of these blocks. */
export function renderBlocks(blocks: readonly Token[], context: ViewContext): DocumentFragment {
  const shown = blocks.filter(({ type }) => type !== "space" && type !== "def");
  if (shown.length === 0) return document.createDocumentFragment();
  let html: string;
  try {
    html = new Parser(options).parse(shown);
  } catch {
    const fragment = document.createDocumentFragment();
    fragment.append(asWritten(blocks.map(({ raw }) => raw).join("")));
    return fragment;
  }
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ADD_URI_SAFE_ATTR: ["start", "align"],
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  finish(fragment, context);
  return fragment;
}

/** What Markdown knows nothing of. */
function finish(fragment: DocumentFragment, context: ViewContext): void {
  for (const parent of [fragment, ...fragment.querySelectorAll(PARTED)]) dropSpace(parent);
  for (const block of fragment.querySelectorAll<HTMLElement>(BLOCKS)) block.dir = "auto";
  for (const frame of fragment.querySelectorAll<HTMLElement>(FRAMES)) {
    const [letter] = /\p{L}/u.exec(frame.textContent) ?? [];
    if (letter !== undefined) frame.dir = RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
  }
  for (const code of fragment.querySelectorAll("code, a")) if (code.parentElement?.tagName !== "PRE") showSigns(code);
  for (const link of fragment.querySelectorAll("a")) finishLink(link);
  for (const table of fragment.querySelectorAll("table")) {
    const frame = element("div", { class: "scroll", dir: table.dir, tabindex: "0", role: "group", "aria-label": context.words.table });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const block of fragment.querySelectorAll("pre")) {
    const code = new CodeBlock(context, block.querySelector("kbd")?.textContent ?? "");
    code.write(block.querySelector("code")?.textContent ?? "");
    block.replaceWith(code.element);
  }
  drawKnownFormulas(fragment, context);
}

/** marked breaks the lines of its HTML. */
function dropSpace(parent: ParentNode): void {
  for (const node of [...parent.childNodes]) if (node instanceof Text && node.data.trim() === "") node.remove();
}

/** A link's words can say one address and lead to another, also by letters that look like others or change the direction of writing: its host stands behind it. */
function finishLink(link: HTMLAnchorElement): void {
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  if (!link.hasAttribute("href")) return;
  const place = link.protocol === "mailto:" ? link.pathname : link.host;
  const words = link.textContent;
  const isPlain = link.username === "" && !/(?:^|\.)xn--/.test(place);
  if (isPlain && (words === link.href || words === link.getAttribute("href") || words === place)) return;
  link.after(element("span", { class: "host" }, place));
}
