/** Footnotes in Markdown: `[^name]` in a text, and `[^name]: what it says` by itself, which may go on in indented lines. They stand where they were written. */

import type { TokenizerAndRendererExtension, Tokens } from "marked";

const REFERENCE = /^\[\^([^\]\s]{1,40})\](?!:)/;
const NOTE = /^ {0,3}\[\^([^\]\s]{1,40})\]:[ \t]*([^\n]*(?:\n+(?: {2,}|\t)[^\n]+)*)(?:\n+|$)/;

/** For marked. `escape` makes HTML of a text. */
export function footnoteExtensions(escape: (text: string) => string): TokenizerAndRendererExtension[] {
  return [
    {
      name: "footnote",
      level: "inline",
      start: (text) => {
        const at = text.indexOf("[^");
        return at < 0 ? undefined : at;
      },
      tokenizer(text) {
        const [raw, name] = REFERENCE.exec(text) ?? [];
        return raw === undefined ? undefined : { type: "footnote", raw, name };
      },
      renderer: (token) => `<sup>${nameOf(token, escape)}</sup>`,
    },
    {
      name: "footnoteText",
      level: "block",
      start: (text) => {
        const at = text.search(/\n {0,3}\[\^[^\]\s]{1,40}\]:/);
        return at < 0 ? undefined : at + 1;
      },
      tokenizer(text) {
        const [raw, name, content] = NOTE.exec(text) ?? [];
        if (raw === undefined || content === undefined) return undefined;
        return { type: "footnoteText", raw, name, tokens: this.lexer.inline(content.replaceAll(/\n[ \t]*/g, "\n")) };
      },
      renderer(token) {
        return `<dl><dt>${nameOf(token, escape)}</dt><dd>${this.parser.parseInline(token.tokens ?? [])}</dd></dl>`;
      },
    },
  ];
}

function nameOf(token: Tokens.Generic, escape: (text: string) => string): string {
  return escape(String(token["name"]));
}
