/**
 * An answer on the page while it grows, drawn in slices of time. Blocks that can change no more are left alone; in the others only what differs is
 * touched. A long list, a table and code grow by items, rows and lines. Without the code of Markdown an answer is shown as it was written.
 */

import type { Token } from "marked";
import { adaptNode, adaptOrReplace, removeFrom } from "./adapt.ts";
import { asWritten } from "./as_written.ts";
import { CodeBlock } from "./code_block.ts";
import type { ViewContext } from "./context.ts";
import type { Markdown } from "./late.ts";
import type { Definitions, Fence, Growing } from "./markdown.ts";
import type { Slice } from "./slice.ts";

/** Characters read at once: marked's time grows with their square. */
const STEP = 4096;
/** A block that is longer and cannot be taken apart is shown as it was written: it would be read again with each piece. */
const MAX_BLOCK = 1 << 14;
/** The last block grows, and the start of a new one may still turn out to belong to the one before. */
const FLUID_BLOCKS = 2;
/** Small blocks that are drawn at once, and their characters. */
const TOGETHER = 4;
const TOGETHER_LENGTH = 1024;
/** What may name a link that is defined later. */
const REFERENCE = /\[[^\]]/;

/** Where nodes go: those before `settled` are left alone. */
interface Place {
  readonly parent: Element;
  settled: number;
}

/** A block that is drawn in parts. */
type Open = Place & Growing;

/** What may change when all links are defined. */
interface Referring {
  readonly source: string;
  readonly nodes: readonly ChildNode[];
  /** They are parts of a block. */
  readonly areParts: boolean;
}

interface OpenCode {
  readonly block: CodeBlock;
  readonly fence: Fence;
}

export class GrowingText {
  readonly #context: ViewContext;
  readonly #definitions: Definitions = Object.create(null);
  readonly #body: Place;
  /** Characters that are drawn and left alone. */
  #settled = 0;
  /** Blocks that can change no more, and for which there was no time. */
  #ready: Token[] = [];
  #open: Open | undefined;
  #code: OpenCode | undefined;
  #referring: Referring[] = [];
  /** It was shown without Markdown: what is not drawn yet stays so. */
  #wasAsWritten = false;

  constructor(body: HTMLElement, context: ViewContext) {
    this.#body = { parent: body, settled: 0 };
    this.#context = context;
  }

  /** text: what was drawn before, and what came since. isWhole: nothing more comes. False where there was no time for all. */
  draw(text: string, isWhole: boolean, slice: Slice): boolean {
    const { code } = this.#context.markdown;
    if (code === undefined) {
      this.#wasAsWritten = true;
      this.#show([asWritten(text)]);
      return true;
    }
    const source = text.replaceAll(/\r\n?/g, "\n");
    const isDone = this.#read(code, source, isWhole, slice);
    if (!isDone) this.#show(this.#wasAsWritten ? [asWritten(source.slice(this.#settled))] : []);
    else this.#wasAsWritten = false;
    return isDone && (!isWhole || this.#define(code, slice));
  }

  /** Whether all is drawn. */
  #read(code: Markdown, source: string, isWhole: boolean, slice: Slice): boolean {
    for (let step = STEP; this.#settled < source.length; ) {
      if (this.#ready.length > 0) {
        if (this.#settleReady(code, slice)) continue;
        return false;
      }
      if (this.#code !== undefined) {
        if (this.#growCode(this.#code, source, isWhole, slice)) continue;
        return !slice.isOver && this.#show([]);
      }
      const begin = this.#settled;
      const text = source.slice(begin, begin + step);
      const fence = code.openFence(text);
      if (fence !== undefined) {
        this.#beginCode(fence);
        continue;
      }
      const readable = code.readableLength(text);
      const blocks = readable === 0 || step > MAX_BLOCK ? undefined : code.readBlocks((this.#open?.prefix ?? "") + text.slice(0, readable), this.#definitions);
      if (blocks === undefined) return this.#show([asWritten(source.slice(begin))]);
      const reachesEnd = readable < text.length || begin + text.length === source.length;
      const count = certainBlocks(code, blocks, reachesEnd && (isWhole || readable < text.length));
      this.#ready = blocks.slice(0, count);
      if (count > 0) step = STEP;
      else if (this.#settlePart(code, blocks[0])) {
        if (slice.isOver) return false;
        step = STEP;
      } else if (!reachesEnd) step *= 2; // even if the time is over: nothing is gained until the block is read
      else return this.#showFluid(code, blocks);
    }
    return this.#show([]);
  }

  /** Draw what can change no more, as far as there is time. */
  #settleReady(code: Markdown, slice: Slice): boolean {
    while (this.#ready.length > 0) {
      const first = this.#ready[0];
      if (this.#open !== undefined && this.#open.type === first?.type) this.#settleLastPart(code, this.#open, first);
      else {
        this.#open = undefined;
        let length = 0;
        const more = this.#ready.findIndex(({ raw }, index) => (length += raw.length) > TOGETHER_LENGTH || index === TOGETHER);
        const together = this.#ready.splice(0, more < 0 ? this.#ready.length : Math.max(1, more));
        const source = together.map(({ raw }) => raw).join("");
        this.#refer(source, this.#leave(this.#body, code.renderBlocks(together, this.#context)), false);
        this.#settled += source.length;
      }
      if (slice.isOver) return false;
    }
    return true;
  }

  #settleLastPart(code: Markdown, open: Open, block: Token): void {
    this.#ready.shift();
    this.#refer(block.raw, this.#leave(open, code.partsOf(code.renderBlocks([block], this.#context))), true);
    removeFrom(open.parent, open.settled);
    this.#settled += block.raw.length - open.prefix.length;
    this.#open = undefined;
  }

  /** Draw what a long block that may still grow begins with; false where it is not long enough. */
  #settlePart(code: Markdown, block: Token | undefined): boolean {
    const apart = block && code.takeApart(block);
    if (apart === undefined) return false;
    const { begin, growing } = apart;
    const nodes = code.renderBlocks([begin], this.#context);
    this.#settled += begin.raw.length - (this.#open?.prefix.length ?? 0);
    if (this.#open !== undefined) {
      this.#refer(begin.raw, this.#leave(this.#open, code.partsOf(nodes)), true);
      return true;
    }
    const placed = this.#leave(this.#body, nodes);
    const parent = growing === undefined ? null : code.partsOf(this.#body.parent.childNodes[this.#body.settled - 1]);
    if (growing !== undefined && parent !== null) this.#open = { ...growing, parent, settled: parent.childNodes.length };
    this.#refer(begin.raw, parent === null ? placed : [...parent.childNodes], parent !== null);
    return true;
  }

  /** Put nodes where they stay; gives those that stand there now. */
  #leave(place: Place, nodes: ParentNode | null): ChildNode[] {
    return [...nodes?.childNodes ?? []].map((node) => adaptNode(place.parent, place.settled++, node));
  }

  #refer(source: string, nodes: readonly ChildNode[], areParts: boolean): void {
    if (REFERENCE.test(source)) this.#referring.push({ source, nodes, areParts });
  }

  #beginCode(fence: Fence): void {
    this.#open = undefined;
    const block = new CodeBlock(this.#context, fence.info);
    const former = this.#body.parent.childNodes[this.#body.settled++];
    if (former === undefined) this.#body.parent.append(block.element);
    else former.replaceWith(block.element);
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
  #showFluid(code: Markdown, blocks: readonly Token[]): true {
    const parts = this.#open !== undefined && this.#open.type === blocks[0]?.type ? code.renderBlocks(blocks.slice(0, 1), this.#context) : undefined;
    const nodes = code.renderBlocks(blocks.slice(parts === undefined ? 0 : 1), this.#context);
    return this.#show([...nodes.childNodes], [...code.partsOf(parts)?.childNodes ?? []]);
  }

  /** nodes: behind those that stay; parts: of the block that is drawn in parts. */
  #show(nodes: readonly ChildNode[], parts: readonly ChildNode[] = []): true {
    const put = ({ parent, settled }: Place, fluid: readonly ChildNode[]): void => {
      fluid.forEach((node, index) => adaptNode(parent, settled + index, node));
      removeFrom(parent, settled + fluid.length);
    };
    put(this.#body, nodes);
    if (this.#open !== undefined) put(this.#open, parts);
    return true;
  }

  /** Draw again what names a link that was defined behind it; whether that is done. */
  #define(code: Markdown, slice: Slice): boolean {
    if (Object.keys(this.#definitions).length === 0) this.#referring = [];
    for (let next = this.#referring.shift(); next !== undefined; next = this.#referring.shift()) {
      const nodes = code.renderBlocks(code.readBlocks(next.source, this.#definitions) ?? [], this.#context);
      const wanted = [...(next.areParts ? code.partsOf(nodes) : nodes)?.childNodes ?? []];
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
function certainBlocks(code: Markdown, blocks: readonly Token[], isFinal: boolean): number {
  const fence = blocks.findIndex(({ type, raw }) => type === "code" && code.openFence(raw) !== undefined);
  if (fence >= 0 || isFinal) return fence >= 0 ? fence : blocks.length;
  const fluid = blocks.filter(({ type }) => type !== "space").at(-FLUID_BLOCKS);
  return fluid === undefined ? 0 : blocks.indexOf(fluid);
}

/** A line of code without the spaces that stand before its fence. */
function withoutIndent(line: string, { indent }: Fence): string {
  const spaces = /^ */.exec(line)?.[0].length ?? 0;
  return line.slice(Math.min(spaces, indent));
}
