/**
 * An answer on the page while it grows. Blocks that can change no more are left alone; in the others only what differs is touched.
 * Without the code of Markdown it is shown as it was written, and drawn anew by the first call that has it.
 */

import type { Token } from "marked";
import type { ViewContext } from "./context.ts";
import type { Markdown } from "./late_markdown.ts";
import type { Definitions } from "./markdown.ts";
import { asWritten } from "./as_written.ts";

/** Characters read at once: marked's time grows with their square. */
const STEP = 8192;
/** The last block grows, and the start of a new one may still turn out to belong to the one before. */
const FLUID_BLOCKS = 2;

export class GrowingText {
  readonly #body: HTMLElement;
  readonly #context: ViewContext;
  readonly #definitions: Definitions = Object.create(null);
  /** Characters, and child nodes, of the blocks that are left alone. */
  #settledText = 0;
  #settledNodes = 0;
  /** A long list is drawn as several. */
  #isSplit = false;

  constructor(body: HTMLElement, context: ViewContext) {
    this.#body = body;
    this.#context = context;
  }

  /** text: what was drawn before, and what came since. */
  draw(text: string): void {
    this.#draw(text, true);
  }

  #draw(text: string, splits: boolean): void {
    const from = this.#settledNodes;
    const fresh = document.createDocumentFragment();
    const { code } = this.#context.markdown;
    if (code === undefined) fresh.append(asWritten(text));
    else this.#read(code, text.replaceAll(/\r\n?/g, "\n"), fresh, splits);
    adaptChildren(this.#body, from, fresh);
  }

  #read(code: Markdown, source: string, fresh: DocumentFragment, splits: boolean): void {
    const readable = code.readableLength(source);
    let end = this.#settledText;
    let step = STEP;
    let blocks: Token[] | undefined = [];
    while (blocks !== undefined && end < readable) {
      const begin = this.#settledText;
      end = Math.min(end + step, readable);
      blocks = code.readBlocks(source.slice(begin, end), this.#definitions);
      if (blocks !== undefined) blocks = this.#settle(code, splits ? this.#split(code, blocks) : blocks, fresh);
      step = this.#settledText > begin ? STEP : 2 * step; // a long block is read a few times, not many
    }
    for (const block of blocks ?? []) fresh.append(code.renderBlock(block, this.#context.words));
    const unread = source.slice(blocks === undefined ? this.#settledText : readable);
    if (unread !== "") fresh.append(asWritten(unread));
  }

  /** Draw all of a text that will not change again: a link may be defined behind its use, and lists are whole. */
  finish(text: string): void {
    this.draw(text);
    if (Object.keys(this.#definitions).length === 0 && !this.#isSplit) return;
    this.#settledText = 0;
    this.#settledNodes = 0;
    this.#draw(text, false);
  }

  #split(code: Markdown, blocks: Token[]): Token[] {
    const parts = code.splitLists(blocks);
    this.#isSplit ||= parts.length > blocks.length;
    return parts;
  }

  /** Render the blocks that no later text can change; gives the others. */
  #settle(code: Markdown, blocks: Token[], fresh: DocumentFragment): Token[] {
    const fluid = blocks.filter(({ type }) => type !== "space").at(-FLUID_BLOCKS);
    const end = fluid === undefined ? 0 : blocks.indexOf(fluid);
    for (const block of blocks.slice(0, end)) {
      const nodes = code.renderBlock(block, this.#context.words);
      this.#settledText += block.raw.length;
      this.#settledNodes += nodes.childNodes.length;
      fresh.append(nodes);
    }
    return blocks.slice(end);
  }
}

/** Make the children of `parent` from `start` on equal to those of `wanted`. Nodes that are right stay: a selection in them survives. */
function adaptChildren(parent: Node, start: number, wanted: Node): void {
  const old = [...parent.childNodes].slice(start);
  const next = [...wanted.childNodes];
  for (const node of old.slice(next.length)) node.remove();
  next.forEach((node, index) => {
    const former = old[index];
    if (former === undefined) parent.appendChild(node);
    else if (!adapt(former, node)) former.replaceWith(node);
  });
}

/** False where the node is of another kind and must be replaced. */
function adapt(old: Node, wanted: Node): boolean {
  if (old instanceof Text && wanted instanceof Text) {
    if (wanted.data.startsWith(old.data)) {
      if (wanted.length > old.length) old.appendData(wanted.data.slice(old.length));
    } else {
      old.data = wanted.data;
    }
    return true;
  }
  if (!(old instanceof Element && wanted instanceof Element) || !old.cloneNode(false).isEqualNode(wanted.cloneNode(false))) return false;
  adaptChildren(old, 0, wanted);
  return true;
}
