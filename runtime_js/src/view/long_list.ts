/**
 * A list that is long, or may become so, also one within an item or a quote: it can be cut where any item begins. What follows is drawn as lists of its own, within
 * as many items and quotes as before the cut.
 */

import type { Token, Tokens } from "marked";

/** Elements that go on behind a cut, from the outermost to a list: of a list the number of its first item, of an item and a quote nothing. */
export type Path = readonly (number | undefined)[];

/** How a block goes on behind what is drawn of it. */
export interface Further {
  /** Stands before what follows, so that it is read as more of the block. */
  readonly head: string;
  /** Of a list or quote. */
  readonly path: Path;
}

/** The first line of an item, and where it is. */
interface Line {
  readonly at: number;
  readonly text: string;
}

interface Cut {
  readonly before: Line;
  readonly path: Path;
  /** The items that go on. */
  readonly within: readonly Line[];
}

/** Characters behind which a list is cut: before the outermost item that begins in between, or else the next one. */
const [ENOUGH, MOST] = [512, 768];

/**
 * The first lines of a list or quote that is to be cut behind them, and how it goes on there. head, path: how it goes on itself, with a block before. Where it is cut
 * does not depend on how much more is there.
 */
export function cutList(block: Token, { head, path }: Further): { readonly begin: Token; readonly further: Further } | undefined {
  const lines = block.raw.split(/(?<=\n)/);
  let length = -head.length;
  const ends = lines.map((line) => (length += line.length));
  const behind = ({ before }: Cut): number => ends[before.at - 1] ?? 0;
  const cuts = [...cutsOf(block, path, 0)].filter(({ before, within }) => [before, ...within].every((line) => isOf(lines, line)));
  const last = cuts.at(-1)?.before.at ?? 0; // it may turn out to be no item
  const sure = cuts.filter((cut) => cut.before.at < last && behind(cut) >= ENOUGH);
  const near = sure.filter((cut) => behind(cut) <= MOST);
  const depth = Math.min(...near.map((cut) => cut.path.length));
  if (depth > 1 && near.length === sure.length) return undefined; // an item that is further out may come
  const cut = near.find((each) => each.path.length === depth) ?? sure[0];
  if (cut === undefined) return undefined;
  const heads = new Map(cut.within.map(({ at, text }) => [at, headOf(lines[at] ?? "", text)])); // of items on one line the innermost one's has all
  return { begin: upTo(block, cut.before.at), further: { head: [...heads.values()].join(""), path: cut.path } };
}

/** Of what was drawn behind a head, make the first what goes on with what stands before it. */
export function goOn(drawn: ParentNode, path: Path): void {
  let parent = drawn;
  for (const number of path) {
    const element = parent.firstElementChild;
    if (element === null) return;
    element.className = "further";
    if (number !== undefined && element.tagName === "OL") element.setAttribute("start", String(number));
    if (element.tagName === "LI" && element.firstElementChild?.tagName === "H1") element.firstElementChild.remove();
    parent = element;
  }
}

function isList(token: Token): token is Tokens.List {
  return token.type === "list";
}

function isQuote(token: Token): token is Tokens.Blockquote {
  return token.type === "blockquote";
}

/** path: of what the block goes on with; at: its first line. */
function* cutsOf(block: Token, path: Path, at: number): Generator<Cut> {
  if (isQuote(block)) for (const cut of cutsWithin(block.tokens, path.slice(1), at)) yield { ...cut, path: [undefined, ...cut.path] };
  if (!isList(block)) return;
  let number = path[0] ?? Number(block.start);
  let [line, rest] = [at, path.slice(2)];
  for (const item of block.items) {
    const before = { at: line, text: item.raw.replace(/\n[^]*/, "").trimStart() };
    yield { before, path: [number], within: [] };
    for (const cut of cutsWithin(item.tokens, rest, line)) yield { before: cut.before, path: [number, undefined, ...cut.path], within: [before, ...cut.within] };
    [number, line, rest] = [number + 1, line + linesOf(item.raw), []];
  }
}

function* cutsWithin(blocks: readonly Token[], path: Path, at: number): Generator<Cut> {
  let [line, rest] = [at, path];
  for (const block of blocks) {
    yield* cutsOf(block, rest, line);
    if (isList(block) || isQuote(block)) rest = [];
    line += linesOf(block.raw);
  }
}

function linesOf(raw: string): number {
  return raw.split("\n").length - 1;
}

/** marked reads an item without what stands before it in each line. */
function isOf(lines: readonly string[], { at, text }: Line): boolean {
  return (lines[at] ?? "").trimEnd().endsWith(text.trimEnd());
}

/** An item at the same place whose content is a heading of no words: unlike a paragraph's, its line ends with it. */
function headOf(line: string, text: string): string {
  const [, sign = "", space = "", content = ""] = /^([-*+]|\d{1,9}[.)])([ \t]*)(.*)/.exec(text) ?? [];
  const isWide = space.length > 4 || content === ""; // code, or nothing: the content's lines have one space
  return `${line.trimEnd().slice(0, -text.trimEnd().length)}${sign}${isWide ? " " : space}#\n`;
}

/** The first lines of a list or quote. */
function upTo(block: Token, lines: number): Token {
  const raw = firstLines(block.raw, lines);
  if (isList(block)) return { ...block, raw, items: firstOf(block.items, lines, itemUpTo) };
  return isQuote(block) ? { ...block, raw, tokens: firstOf(block.tokens, lines, upTo) } : block;
}

function itemUpTo(item: Tokens.ListItem, lines: number): Tokens.ListItem {
  return { ...item, raw: firstLines(item.raw, lines), tokens: firstOf(item.tokens, lines, upTo) };
}

/** Of blocks that stand one behind the other those in the first lines; `cut` gives the beginning of one. */
function firstOf<Block extends Token>(blocks: readonly Block[], lines: number, cut: (block: Block, lines: number) => Block): Block[] {
  const first: Block[] = [];
  let rest = lines;
  for (const block of blocks) {
    if (rest <= 0) break;
    first.push(linesOf(block.raw.trimEnd()) < rest ? block : cut(block, rest)); // the last of some has no end of line
    rest -= linesOf(block.raw);
  }
  return first;
}

function firstLines(raw: string, lines: number): string {
  return raw.split(/(?<=\n)/).slice(0, lines).join("");
}
