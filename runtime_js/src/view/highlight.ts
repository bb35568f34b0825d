/** The colours of code: a line of it → what its parts are called. CodeMirror's stream parsers know the languages; what they carry from line to line stands here. */

import { StringStream, type StreamParser } from "@codemirror/streamparser";
import { findLanguage } from "./languages.ts";

/** A part of a line, and which colour it has; "" is that of text. */
export interface Part {
  readonly text: string;
  readonly kind: string;
}

/** The colours, by the names that the parsers use; what stands behind a point is a further trait. */
const KINDS: readonly (readonly [kind: string, names: RegExp])[] = [
  ["comment", /comment/], ["string", /string|regexp|character|inserted/], ["number", /number|atom|bool|null|unit|color/],
  ["function", /\.function|\.definition|\bdef\b/], ["keyword", /keyword|modifier|operatorKeyword|deleted|tagName|\btag\b|header/i],
  ["type", /type|class|namespace|builtin|standard|attribute|propertyName|special|meta/i],
];
const TAB = 4;
/** Longer lines are no code that anybody reads. */
const MAX_LINE = 2000;
/** A parser that makes no way is given up. */
const MAX_IDLE = 10;

export class Highlighter {
  readonly #parser: StreamParser<unknown>;
  readonly #kinds = new Map<string, string>();
  #state: unknown;
  #isLost = false;

  constructor(parser: StreamParser<unknown>) {
    this.#parser = parser;
    this.#state = parser.startState?.(TAB) ?? {};
  }

  /** The parts of the next line, which has no line feed. */
  line(text: string): Part[] {
    if (this.#isLost || text.length > MAX_LINE) return [{ text, kind: "" }];
    try {
      return this.#read(text);
    } catch {
      this.#isLost = true;
      return [{ text, kind: "" }];
    }
  }

  #read(text: string): Part[] {
    if (text === "") {
      this.#parser.blankLine?.(this.#state, TAB);
      return [];
    }
    const stream = new StringStream(text, TAB, TAB);
    const parts: { text: string; kind: string }[] = [];
    let idle = 0;
    while (!stream.eol()) {
      stream.start = stream.pos;
      const style = this.#parser.token(stream, this.#state);
      if (stream.pos <= stream.start) {
        if (++idle > MAX_IDLE) throw new Error("the parser stands still");
        continue;
      }
      idle = 0;
      const kind = this.#kind(style ?? "");
      const last = parts.at(-1);
      const piece = text.slice(stream.start, stream.pos);
      if (last !== undefined && (last.kind === kind || piece.trim() === "")) last.text += piece;
      else parts.push({ text: piece, kind });
    }
    return parts;
  }

  #kind(style: string): string {
    let kind = this.#kinds.get(style);
    if (kind === undefined) this.#kinds.set(style, kind = KINDS.find(([, names]) => names.test(style))?.[0] ?? "");
    return kind;
  }
}

/** What colours code in this language; undefined where nobody knows it. */
export function highlighter(language: string): Highlighter | undefined {
  const parser = findLanguage(language);
  return parser && new Highlighter(parser);
}
