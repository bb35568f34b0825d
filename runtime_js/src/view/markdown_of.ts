/** What was drawn of an answer, or a part of it → Markdown that reads as it, for what is copied. */

/** Elements that say nothing. */
const SILENT = "button, svg, .tools, .host, details:not([open]) > :not(summary)";
const PAUSES = "p, h1, h2, h3, h4, h5, h6, li, th, td, pre, summary";
const BLOCKS = /^(?:P|H[1-6]|UL|OL|LI|BLOCKQUOTE|HR|TABLE|PRE|DIV|DL|DETAILS|SUMMARY)$/;
const MARKS: Readonly<Record<string, string>> = { STRONG: "**", EM: "*", DEL: "~~" };

export function markdownOf(drawn: ParentNode): string {
  return joined(blocksOf(drawn));
}

/** The same for the ear: its words, a line for each part. */
export function spokenOf(drawn: HTMLElement): string {
  const copy = document.createElement("div");
  copy.append(...[...drawn.childNodes].map((node) => node.cloneNode(true)));
  for (const silent of copy.querySelectorAll(SILENT)) silent.remove();
  for (const part of copy.querySelectorAll(PAUSES)) part.append("\n");
  return copy.textContent.trim();
}

interface Block {
  readonly text: string;
  /** It goes on with the list before it. */
  readonly isFurther: boolean;
}

function joined(blocks: readonly Block[], between = "\n\n"): string {
  return blocks.map(({ text, isFurther }, index) => (index === 0 ? "" : isFurther ? "\n" : between) + text).join("");
}

/** The blocks among the children of a node; text between them is a block, too. */
function blocksOf(parent: ParentNode): Block[] {
  const blocks: Block[] = [];
  let line = "";
  const add = (text: string, isFurther = false): void => void (text !== "" && blocks.push({ text, isFurther }));
  const end = (): void => {
    add(line.trim());
    line = "";
  };
  for (const node of parent.childNodes) {
    if (!(node instanceof Element) || !BLOCKS.test(node.tagName)) {
      line += inline(node);
      continue;
    }
    end();
    if (!node.matches(SILENT)) for (const { text, isFurther } of block(node)) add(text, isFurther);
  }
  end();
  return blocks;
}

function block(element: Element): readonly Block[] {
  const one = (text: string, isFurther = false): Block[] => [{ text, isFurther }];
  const { tagName: tag } = element;
  if (tag === "P") return one(withoutMarks(inlines(element).trim()));
  if (/^H[1-6]$/.test(tag)) return one(`${"#".repeat(Number(tag.slice(1)))} ${inlines(element).trim()}`);
  if (tag === "HR") return one("---");
  if (tag === "BLOCKQUOTE") return one(markdownOf(element).replaceAll(/^/gm, "> ").replaceAll(/ +$/gm, ""), element.matches(".further"));
  if (tag === "UL" || tag === "OL") return one(list(element), element.matches(".further"));
  if (tag === "DL") return one(`[^${element.querySelector("dt")?.textContent ?? ""}]: ${inlines(element.querySelector("dd") ?? element).trim().replaceAll("\n", "\n    ")}`);
  if (tag === "TABLE") return one(table(element));
  if (tag === "PRE" || element.matches(".code")) return one(code(element));
  return blocksOf(element);
}

function list(element: Element): string {
  let number = Number(element.getAttribute("start") ?? 1);
  return [...element.children].map((item) => {
    const mark = element.tagName === "OL" ? `${number++}. ` : "- ";
    const text = joined(blocksOf(item), item.querySelector(":scope > p") === null ? "\n" : "\n\n");
    return (item.matches(".further") ? " ".repeat(mark.length) : mark) + text.replaceAll(/\n(?=.)/g, `\n${" ".repeat(mark.length)}`);
  }).join("\n");
}

function table(element: Element): string {
  const rows = [...element.querySelectorAll("tr")].map((row) => [...row.children].map((cell) => inlines(cell).trim().replaceAll("|", "\\|").replaceAll("\n", " ")));
  const head = element.querySelector("th") === null ? [] : rows.shift() ?? [];
  const columns = Math.max(head.length, ...rows.map(({ length }) => length));
  const line = (cells: readonly string[]): string => `| ${Array.from({ length: columns }, (_, index) => cells[index] ?? "").join(" | ")} |`;
  const ends = [...element.querySelectorAll("th")].map((cell) => ({ right: "--:", center: ":-:" })[cell.getAttribute("align") ?? ""] ?? "---");
  return [line(head), line(Array.from({ length: columns }, (_, index) => ends[index] ?? "---")), ...rows.map(line)].join("\n");
}

function code(element: Element): string {
  const text = (element.querySelector("pre") ?? element).textContent.replace(/\n$/, "");
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/^`+/gm)].map(([ticks]) => ticks.length + 1)));
  return `${fence}${element.querySelector(".code-head bdi")?.textContent ?? ""}\n${text}\n${fence}`;
}

function inlines(parent: Node): string {
  return [...parent.childNodes].map(inline).join("");
}

function inline(node: Node): string {
  if (node instanceof Text) return escaped(node.data);
  if (!(node instanceof Element) || node.matches(SILENT)) return "";
  if (node.tagName === "BR") return "\n";
  if (node.matches(".formula")) return node.getAttribute("data-tex") ?? "";
  if (node.tagName === "VAR") return node.textContent;
  if (node.tagName === "CODE") return inlineCode(node.textContent);
  if (node.tagName === "SUP") return `[^${node.textContent}]`;
  const text = inlines(node);
  const mark = MARKS[node.tagName];
  if (mark !== undefined && text.trim() !== "") return text.replace(/^(\s*)([^]*?)(\s*)$/, `$1${mark}$2${mark}$3`);
  const address = node.tagName === "A" ? node.getAttribute("href") : null;
  return address === null || address === node.textContent ? text : `[${text}](${/[\s()]/.test(address) ? `<${address}>` : address})`;
}

function inlineCode(text: string): string {
  const ticks = "`".repeat(1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)));
  const space = /^`|`$/.test(text) ? " " : "";
  return `${ticks}${space}${text}${space}${ticks}`;
}

/** Letters that would be taken for marks. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|\[(?=[^\]]*\]\()|<(?=[a-z/!])/giu, "\\$&");
}

/** A paragraph whose first letters would make it another kind of block. */
function withoutMarks(text: string): string {
  return text.replaceAll(/^(?=#{1,6}\s|>|[-+]\s)/gm, "\\").replaceAll(/^(\d{1,9})(?=[.)]\s)/gm, "$1\\");
}
