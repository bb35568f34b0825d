/**
 * Where formulas stand in Markdown: `$…$` and `\(…\)` within a line of text, `$$…$$`, `\[…\]` and LaTeX's environments, which may be blocks. Prices are no
 * formulas, code is none, and what is not closed is text. No formula has an empty line in it.
 */

import type { TokenizerAndRendererExtension, Tokens } from "marked";

const MAX_BLOCK = 4000;

const DOLLARS = /^\$((?:\\[^]|[^\\$`]){1,1000})\$/;
const DISPLAYED = /^(?:\$\$((?:\\[^]|[^\\$`]|\$(?!\$)){1,2000})\$\$|\\\[((?:(?!\\\])[^`]){1,2000})\\\])/;
const PARENTHESES = /^\\\(((?:(?!\\\))[^`]){1,1000})\\\)/;
const INLINE_START = /\$|\\[([]/;
const BLOCK_START = /\n {0,3}(?:\$\$|\\\[|\\begin\{)/;
const OPENING = /^ {0,3}(\$\$|\\\[|\\begin\{(equation|align|alignat|gather|multline|split|cases|[bpvBV]?matrix|array)(\*?)\})/;
const EMPTY_LINE = /\n[ \t]*\n/;

/** "$5, or 6$": a number, and words behind it. */
function isPrice(content: string): boolean {
  return /^[\d.,]+\s*[kmb]?\b/i.test(content) && /(?<!\\)\b[a-z]{2,}/i.test(content) && !/[\\^_=<>{}]/.test(content);
}

/** The raw formula at the beginning of `text`; before: what stands in front of it. */
export function inlineFormula(text: string, before: string): string | undefined {
  if (!INLINE_START.test(text.slice(0, 2))) return undefined;
  const [raw, content = ""] = PARENTHESES.exec(text) ?? DISPLAYED.exec(text)?.filter((part) => part !== undefined) ?? [];
  if (raw !== undefined) return content.trim() === "" ? undefined : raw;
  const [dollars, inner = ""] = DOLLARS.exec(text) ?? [];
  if (dollars === undefined || /^\s|\s$/.test(inner) || /[\w$\\]$/.test(before) || isPrice(inner)) return undefined;
  const next = text.charAt(dollars.length);
  if (/[\d$]/.test(next) || (/\w/.test(next) && inner.length > 2 && !/[\\^_]/.test(inner))) return undefined; // "$HOME/bin:$PATH"
  return dollars;
}

/** A block that begins `text`: whole, or open up to the text's end, where it may still become one. */
export function blockFormula(text: string): { readonly raw: string; readonly isWhole: boolean } | undefined {
  const [start, opening, environment, star = ""] = OPENING.exec(text) ?? [];
  if (start === undefined || opening === undefined) return undefined;
  const within = text.slice(start.length, start.length + MAX_BLOCK);
  const limit = within.search(EMPTY_LINE);
  const closing = environment === undefined ? (opening === "$$" ? "$$" : "\\]") : `\\end{${environment}${star}}`;
  const at = within.indexOf(closing);
  if (at < 0) return limit < 0 && start.length + within.length === text.length ? { raw: text, isWhole: false } : undefined;
  if (limit >= 0 && at > limit) return undefined;
  const rest = /^[ \t]*(?:\n|$)/.exec(within.slice(at + closing.length))?.[0];
  if (rest === undefined || within.slice(0, at).trim() === "") return undefined;
  return { raw: text.slice(0, start.length + at + closing.length + rest.length), isWhole: true };
}

/** TeX without what marks it as a formula, and whether it stands alone. */
export function texOf(raw: string): { readonly tex: string; readonly isDisplayed: boolean } {
  const text = raw.trim();
  if (text.startsWith("\\begin")) return { tex: text, isDisplayed: true };
  const length = text.startsWith("$") && !text.startsWith("$$") ? 1 : 2;
  return { tex: text.slice(length, -length), isDisplayed: text.startsWith("$$") || text.startsWith("\\[") };
}

/** Where a block begins within the paragraph that `text` begins with. */
function firstBlock(text: string): number | undefined {
  const end = text.search(EMPTY_LINE);
  const paragraph = end < 0 ? text : text.slice(0, end);
  for (let from = 0; ;) {
    const at = paragraph.slice(from).search(BLOCK_START);
    if (at < 0) return undefined;
    from += at + 1;
    if (blockFormula(text.slice(from)) !== undefined) return from;
  }
}

/** For marked. What draws a formula finds its text in `var`, a tag that nothing else has. */
export function formulaExtensions(escape: (text: string) => string): TokenizerAndRendererExtension[] {
  const renderer = ({ raw }: Tokens.Generic): string => `<var>${escape(raw.trim())}</var>`;
  return [
    {
      name: "formula",
      level: "inline",
      start: (text) => {
        const at = text.search(INLINE_START);
        return at < 0 ? undefined : at;
      },
      tokenizer(text, tokens) {
        const raw = inlineFormula(text, tokens.at(-1)?.raw ?? "");
        return raw === undefined ? undefined : { type: "formula", raw };
      },
      renderer,
    },
    {
      name: "formulaBlock",
      level: "block",
      start: firstBlock,
      tokenizer(text) {
        const found = blockFormula(text);
        if (found === undefined) return undefined;
        const { raw, isWhole } = found;
        return isWhole ? { type: "formulaBlock", raw } : { type: "paragraph", raw, text: raw, tokens: this.lexer.inline(raw) };
      },
      renderer: (token) => `<p>${renderer(token)}</p>`,
    },
  ];
}

