/**
 * A block of code, which grows by lines: each is drawn once, with its colours. Where what knows the language comes later, lines get them then.
 * Some lines together are a block of layout, so that one more moves few.
 */

import type { ViewContext } from "./context.ts";
import { element, icon } from "./dom.ts";
import type { Highlighter, Part } from "./highlight.ts";
import { isSelected, replaceKept } from "./selection.ts";
import { hasSigns, withSigns } from "./signs.ts";
import { Slice } from "./slice.ts";

const LINES_TOGETHER = 32;
/** Characters of a line that are laid out together. */
const PIECE = 1024;
/** Between two slices of colouring. */
const PAUSE_MS = 16;
/** What models call text that is in no language. */
const PLAIN = /^(?:text|txt|plain|plaintext|none|output|)$/i;
const MAX_NAME = 24;

export class CodeBlock {
  readonly element: HTMLElement;
  readonly #code = element("code");
  readonly #language: string;
  #part: HTMLElement = this.#code;
  #room = 0;
  /** The line that is being written. */
  #tail: HTMLElement | undefined;
  #highlighter: Highlighter | undefined;
  /** Whole lines that have no colours yet. */
  #waiting: HTMLElement[] = [];

  /** info: what the model says of it, of which the first word is the language. */
  constructor({ words, highlight }: ViewContext, info: string) {
    this.#language = /^[^\s,:{]*/.exec(info.trim())?.[0].slice(0, MAX_NAME) ?? "";
    this.element = element("div", { class: "code" },
      element("div", { class: "code-head" },
        element("bdi", {}, ...withSigns(this.#language)),
        element("button", { type: "button", class: "plain icon", "data-action": "copy-code", "aria-label": words.copyCode, title: words.copyCode }, icon("copy"))),
      element("pre", { tabindex: "0", dir: "ltr" }, this.#code));
    if (PLAIN.test(this.#language)) return;
    if (highlight.code !== undefined) this.#highlighter = highlight.code.highlighter(this.#language);
    else {
      void highlight.load().then(() => {
        this.#highlighter = highlight.code?.highlighter(this.#language);
        this.#colourWaiting();
      });
    }
  }

  /** A whole line; only the last has no line feed. */
  line(text: string): void {
    const line = this.#tail ?? this.#newLine();
    this.#tail = undefined;
    if (this.#highlighter !== undefined && this.#waiting.length === 0) return replaceKept(line, coloured(text, this.#highlighter));
    replaceKept(line, plain(text));
    this.#waiting.push(line);
  }

  /** What there is of the next line. */
  tail(text: string): void {
    if (text === "" && this.#tail === undefined) return;
    const line = this.#tail ??= this.#newLine();
    const { firstChild: only, textContent: before } = line;
    if (only instanceof Text && text.startsWith(before) && text.length <= PIECE && !hasSigns(text)) only.appendData(text.slice(before.length)); // a selection in it survives
    else replaceKept(line, plain(text));
  }

  /** Many lines at once. */
  write(text: string): void {
    for (const [line] of text.matchAll(/[^\n]*\n|[^\n]+$/g)) this.line(line);
  }

  #newLine(): HTMLElement {
    if (this.#room === 0) {
      this.#part = element("span", { class: "lines" });
      this.#code.append(this.#part);
      this.#room = LINES_TOGETHER;
    }
    this.#room -= 1;
    const line = element("span");
    this.#part.append(line);
    return line;
  }

  #colourWaiting(): void {
    if (this.#highlighter === undefined) return;
    const slice = new Slice();
    const keeps = isSelected(this.#code);
    while (!slice.isOver) {
      const line = this.#waiting.shift();
      if (line === undefined) return;
      const nodes = coloured(line.textContent, this.#highlighter);
      if (keeps) replaceKept(line, nodes);
      else line.replaceChildren(...nodes);
    }
    setTimeout(() => this.#colourWaiting(), PAUSE_MS);
  }
}

function coloured(text: string, highlighter: Highlighter): (Node | string)[] {
  const content = text.replace(/\n$/, "");
  const nodes = ({ text: part, kind }: Part): (Node | string)[] => (kind === "" ? plain(part) : [element("span", { class: `code-${kind}` }, ...plain(part))]);
  return [...highlighter.line(content).flatMap(nodes), text.slice(content.length)];
}

function plain(text: string): (Node | string)[] {
  if (text.length <= PIECE) return withSigns(text);
  const pieces = text.match(/[^]{1,1023}[^\ud800-\udbff]|[^]+$/g) ?? [];
  return pieces.map((piece) => element("span", { class: "piece" }, ...withSigns(piece)));
}
