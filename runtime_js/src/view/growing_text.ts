/**
 * An answer on the page while it grows, drawn in slices of time. Blocks that can change no more are left alone; in the others only what differs is
 * touched. A long list, a table and code grow by items, rows and lines.
 */

import type { Links, Token } from "marked";
import { adaptOrReplace } from "./adapt.ts";
import { asWritten } from "./as_written.ts";
import { openFence, readBlocks, readableLength, renderBlocks, takeApart, type Fence } from "./blocks.ts";
import { CodeBlock } from "./code_block.ts";
import type { ViewContext } from "./context.ts";
import { element } from "./dom.ts";
import { goOn, type Further } from "./long_list.ts";
import { LongTable } from "./long_table.ts";
import { Parts } from "./parts.ts";
import { KeptSelection } from "./selection.ts";
import type { Slice } from "./slice.ts";

/** Characters read at once: marked's time grows with their square, and what stands behind the next block of code is read again. */
const [LEAST_STEP, STEP] = [64, 4096];
/** A block that is longer and cannot be taken apart is shown as it was written: it would be read again with each piece. */
const MAX_BLOCK = 1 << 14;
/** The last block grows, and the start of a new one may still turn out to belong to the one before. */
const FLUID_BLOCKS = 2;
/** Small blocks that are drawn at once, and their characters. */
const TOGETHER = 4;
const TOGETHER_LENGTH = 512;
/** What may name a link that is defined later. */
const REFERENCE = /\[[^\]]/;

/** A block that grows by rows or items: what follows is read behind its head. */
interface Open extends Further {
  /** Has the rows; items stand in lists of their own. */
  readonly table: LongTable | undefined;
}

/** What may change when all links are defined. */
interface Referring {
  readonly source: string;
  readonly nodes: readonly ChildNode[];
  /** Of what is drawn of the source, what takes the nodes' places. */
  readonly pick: Pick;
}

type Pick = (drawn: ParentNode) => readonly ChildNode[];

interface OpenCode {
  readonly block: CodeBlock;
  readonly fence: Fence;
}

export class GrowingText {
  readonly #context: ViewContext;
  readonly #definitions: Links = Object.create(null);
  readonly #selection: KeptSelection;
  readonly #body: Parts;
  /** Characters that are drawn and left alone. */
  #settled = 0;
  /** Blocks that can change no more, and for which there was no time. */
  #ready: Token[] = [];
  /** What the next block goes on with. */
  #open: Open | undefined;
  #code: OpenCode | undefined;
  #referring: Referring[] = [];
  /** Less where blocks of code are close. */
  #step = STEP;
  /** It was shown without Markdown: what is not drawn yet stays so. */
  #wasAsWritten: boolean;

  /** body: may show the text as it was written. */
  constructor(body: HTMLElement, context: ViewContext) {
    this.#wasAsWritten = body.querySelector(":scope > .as-written") !== null;
    body.replaceChildren();
    this.#selection = new KeptSelection(body, /\S/g);
    this.#body = new Parts(body, () => element("div", { class: "part" }));
    this.#context = context;
  }

  /** text: what was drawn before, and what came since. isWhole: nothing more comes. False where there was no time for all. */
  draw(text: string, isWhole: boolean, slice: Slice): boolean {
    return this.#selection.draw(() => this.#draw(text, isWhole, slice));
  }

  #draw(text: string, isWhole: boolean, slice: Slice): boolean {
    const source = text.replaceAll(/\r\n?/g, "\n");
    const isDone = this.#read(source, isWhole, slice);
    if (!isDone) this.#show(this.#wasAsWritten ? [asWritten(source.slice(this.#settled))] : []);
    else this.#wasAsWritten = false;
    return isDone && (!isWhole || this.#define(slice));
  }

  /** Whether all is drawn. */
  #read(source: string, isWhole: boolean, slice: Slice): boolean {
    for (let step = this.#step; this.#settled < source.length; ) {
      if (this.#ready.length > 0) {
        if (this.#settleReady(slice)) continue;
        return false;
      }
      if (this.#code !== undefined) {
        if (this.#growCode(this.#code, source, isWhole, slice)) continue;
        return !slice.isOver && this.#show([]);
      }
      const begin = this.#settled;
      const text = source.slice(begin, begin + step);
      const fence = openFence(text);
      if (fence !== undefined) {
        this.#beginCode(fence);
        step = this.#step = Math.max(LEAST_STEP, step / 4);
        continue;
      }
      const readable = readableLength(text);
      const blocks = readable === 0 || step > MAX_BLOCK ? undefined : readBlocks((this.#open?.head ?? "") + text.slice(0, readable), Object.create(this.#definitions));
      if (blocks === undefined) return this.#show([asWritten(source.slice(begin))]);
      if (this.#open !== undefined && !blocks[0]?.raw.startsWith(this.#open.head)) {
        this.#close();
        continue;
      }
      const reachesEnd = readable < text.length || begin + text.length === source.length;
      const count = certainBlocks(blocks, reachesEnd && (isWhole || readable < text.length));
      this.#ready = blocks.slice(0, count);
      if (count > 0) step = this.#step = Math.min(STEP, 2 * step);
      else if (this.#settlePart(blocks[0])) {
        if (slice.isOver) return false;
        step = this.#step = STEP;
      } else if (!reachesEnd) step *= 2; // even if the time is over: nothing is gained until the block is read
      else return this.#showFluid(blocks);
    }
    return this.#show([]);
  }

  /** Draw what can change no more, as far as there is time. */
  #settleReady(slice: Slice): boolean {
    while (this.#ready.length > 0) {
      const first = this.#ready[0];
      if (this.#settlePart(first)) this.#ready = []; // the rest is read anew
      else {
        let length = 0;
        const more = this.#ready.findIndex(({ raw }, index) => (length += raw.length) > TOGETHER_LENGTH || index === TOGETHER);
        this.#settle(this.#ready.splice(0, this.#open !== undefined ? 1 : more < 0 ? this.#ready.length : Math.max(1, more)));
      }
      if (slice.isOver) return false;
    }
    return true;
  }

  /** Draw what a long block that may still grow begins with; false where it is not long enough. */
  #settlePart(block: Token | undefined): boolean {
    const begun = block && takeApart(block, this.#open);
    if (begun === undefined) return false;
    this.#settle([begun.begin], begun.further);
    return true;
  }

  /** Draw blocks that stay, of which the first goes on with what is open. further: how the next one goes on with them. */
  #settle(blocks: readonly Token[], further?: Further): void {
    const open = this.#open;
    const source = blocks.map(({ raw }) => raw).join("");
    const pick = this.#pick();
    const nodes = (open?.table ?? this.#body).settle(pick(renderBlocks(blocks, this.#context)));
    this.#settled += source.length - (open?.head.length ?? 0);
    if (source.includes("]:")) readBlocks(source, this.#definitions); // not before: half an address may have come
    const [frame] = nodes;
    const begun = further === undefined || open?.table !== undefined || !(frame instanceof Element) ? null : frame.querySelector<HTMLTableElement>(":scope.scroll > table");
    if (REFERENCE.test(source)) this.#referring.push(begun === null ? { source, nodes, pick } : { source, nodes: LongTable.rowsOf(begun), pick: LongTable.rowsOf });
    if (further === undefined) this.#close();
    else this.#open = { ...further, table: begun === null ? open?.table : new LongTable(begun) };
  }

  /** Nothing goes on with what is open. */
  #close(): void {
    this.#open?.table?.show([]);
    this.#open = undefined;
  }

  /** Of what is drawn of a block, what goes on with what is open. */
  #pick(): Pick {
    const open = this.#open;
    if (open?.table !== undefined) return LongTable.rowsOf;
    return (drawn) => {
      goOn(drawn, open?.path ?? []);
      return [...drawn.childNodes];
    };
  }

  #beginCode(fence: Fence): void {
    this.#close();
    const block = new CodeBlock(this.#context, fence.info);
    this.#body.settleItself(block.element);
    this.#settled += fence.opening.length;
    this.#code = { block, fence };
  }

  /** Draw the lines that came; true where the block is at its end. */
  #growCode({ block, fence }: OpenCode, source: string, isWhole: boolean, slice: Slice): boolean {
    while (this.#settled < source.length && !slice.isOver) {
      const at = source.indexOf("\n", this.#settled);
      if (at < 0 && !isWhole) break;
      const line = source.slice(this.#settled, at < 0 ? source.length : at + 1);
      this.#settled += line.length;
      if (fence.end.test(line.trimEnd())) {
        block.tail("");
        this.#code = undefined;
        return true;
      }
      block.line(withoutIndent(line, fence));
    }
    const tail = source.slice(this.#settled);
    if (!slice.isOver) block.tail(/^ {0,3}[`~]+$/.test(tail) ? "" : withoutIndent(tail, fence));
    return false;
  }

  /** Draw blocks that may still change. */
  #showFluid(blocks: readonly Token[]): true {
    const pick = this.#pick();
    const draw = (some: readonly Token[]): DocumentFragment => renderBlocks(some, this.#context);
    if (this.#open?.table === undefined) return this.#show(pick(draw(blocks)));
    return this.#show([...draw(blocks.slice(1)).childNodes], pick(draw(blocks.slice(0, 1))));
  }

  /** nodes: behind those that stay; rows: of the table that grows. */
  #show(nodes: readonly ChildNode[], rows: readonly ChildNode[] = []): true {
    this.#body.show(nodes);
    this.#open?.table?.show(rows);
    return true;
  }

  /** Draw again what names a link that was defined behind it; whether that is done. */
  #define(slice: Slice): boolean {
    if (Object.keys(this.#definitions).length === 0) this.#referring = [];
    for (let next = this.#referring.shift(); next !== undefined; next = this.#referring.shift()) {
      const wanted = next.pick(renderBlocks(readBlocks(next.source, this.#definitions) ?? [], this.#context));
      next.nodes.forEach((node, index) => {
        const other = wanted[index];
        if (other !== undefined) adaptOrReplace(node, other);
      });
      if (slice.isOver) return this.#referring.length === 0;
    }
    return true;
  }
}

/** How many of the first of these blocks no later text can change. isFinal: none comes. */
function certainBlocks(blocks: readonly Token[], isFinal: boolean): number {
  const fence = blocks.findIndex(({ type, raw }) => type === "code" && openFence(raw) !== undefined);
  if (fence >= 0 || isFinal) return fence >= 0 ? fence : blocks.length;
  const fluid = blocks.filter(({ type }) => type !== "space").at(-FLUID_BLOCKS);
  return fluid === undefined ? 0 : blocks.indexOf(fluid);
}

/** A line of code without the spaces that stand before its fence. */
function withoutIndent(line: string, { indent }: Fence): string {
  const spaces = /^ */.exec(line)?.[0].length ?? 0;
  return line.slice(Math.min(spaces, indent));
}
