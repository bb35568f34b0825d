/** A template's text as Jinja's lexer cuts it, with trim_blocks and lstrip_blocks, as transformers sets it up. */

/** `text`: written as it is. `begin` and `end`: of a statement (`%`) or a value (`{`). */
export type Token =
  | { readonly kind: "text" | "string" | "name" | "operator" | "begin" | "end"; readonly value: string; readonly line: number }
  | { readonly kind: "integer" | "float"; readonly value: string; readonly line: number };

/** What Python takes for white space. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const RAW = new RegExp(`\\{%([-+]?)${SPACE}*raw${SPACE}*(?:-%\\}${SPACE}*|%\\})`, "y");
const RAW_END = new RegExp(`\\{%([-+]?)${SPACE}*endraw${SPACE}*(?:\\+%\\}|-%\\}${SPACE}*|%\\}\\n?)`, "g");
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${SPACE}*|#\\}\\n?`, "g");
const ENDS = { "%": new RegExp(`\\+%\\}|-%\\}${SPACE}*|%\\}\\n?`, "y"), "{": new RegExp(`-\\}\\}${SPACE}*|\\}\\}`, "y") };
const PARTS: readonly (readonly [kind: "space" | Token["kind"], RegExp])[] = [
  ["space", new RegExp(`${SPACE}+`, "y")],
  ["float", /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y],
  ["integer", /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y],
  ["name", /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy],
  ["string", /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y],
  ["operator", /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y],
];
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
const AT_END = new RegExp(`${SPACE}+$`);
const ONLY_SPACE = new RegExp(`^${SPACE}+$`);

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #source: string;
  #at = 0;
  #line = 1;
  #isLineStart = true;

  constructor(source: string) {
    this.#source = source.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  }

  run(): Token[] {
    while (this.#at < this.#source.length) {
      const found = /\{[%{#]/g;
      const start = matchAt(found, this.#source, this.#at)?.index ?? this.#source.length;
      const text = this.#source.slice(this.#at, start);
      if (start === this.#source.length) {
        this.#add("text", text);
        break;
      }
      const [kind, sign] = [this.#source.charAt(start + 1), this.#source.charAt(start + 2)];
      const raw = kind === "%" ? matchAt(RAW, this.#source, start) : null;
      this.#add("text", this.#stripped(text, raw?.[1] ?? sign, kind !== "{"));
      if (raw !== null) this.#raw(start + raw[0].length);
      else if (kind === "#") this.#comment(start);
      else this.#tag(kind === "%" ? "%" : "{", start + 2 + ("-+".includes(sign) && sign !== "" && (kind === "%" || sign === "-") ? 1 : 0));
    }
    return this.tokens;
  }

  #add(kind: Token["kind"], value: string): void {
    if (kind !== "text" || value !== "") this.tokens.push({ kind, value, line: this.#line });
  }

  #go(to: number): void {
    for (let i = this.#at; i < to; i++) if (this.#source.charAt(i) === "\n") this.#line++;
    this.#isLineStart = this.#source.charAt(to - 1) === "\n";
    this.#at = to;
  }

  #fail(message: string): never {
    throw new Error(`line ${this.#line} of the template: ${message}`);
  }

  /** A text before a tag: `-` takes the spaces at its end, and a statement or comment those that are alone on its line. */
  #stripped(text: string, sign: string, isStatement: boolean): string {
    if (sign === "-") return text.replace(AT_END, "");
    if (sign === "+" || !isStatement) return text;
    const line = text.lastIndexOf("\n") + 1;
    return (line > 0 || this.#isLineStart) && ONLY_SPACE.test(text.slice(line)) ? text.slice(0, line) : text;
  }

  #raw(from: number): void {
    const end = matchAt(RAW_END, this.#source, from);
    if (end === null) this.#fail("a raw block does not end");
    this.#go(from);
    this.#add("text", this.#stripped(this.#source.slice(from, end.index), end[1] ?? "", true));
    this.#go(end.index + end[0].length);
  }

  #comment(start: number): void {
    const end = matchAt(COMMENT_END, this.#source, start + 2);
    if (end === null) this.#fail("a comment does not end");
    this.#go(end.index + end[0].length);
  }

  #tag(kind: "%" | "{", from: number): void {
    this.#go(from);
    this.#add("begin", kind);
    const open: string[] = [];
    for (;;) {
      const end = open.length === 0 ? matchAt(ENDS[kind], this.#source, this.#at) : null;
      if (end !== null) {
        this.#add("end", kind);
        this.#go(this.#at + end[0].length);
        return;
      }
      const value = this.#part();
      if (value !== undefined && value in CLOSING) open.push(CLOSING[value] ?? "");
      else if (value !== undefined && ")]}".includes(value) && open.pop() !== value) this.#fail(`unexpected ${value}`);
    }
  }

  /** One token; an operator is given back. */
  #part(): string | undefined {
    for (const [kind, pattern] of PARTS) {
      const value = matchAt(pattern, this.#source, this.#at)?.[0];
      if (value === undefined) continue;
      if (kind !== "space") this.#add(kind, kind === "string" ? unescaped(value.slice(1, -1)) : value);
      this.#go(this.#at + value.length);
      return kind === "operator" ? value : undefined;
    }
    return this.#fail(this.#at < this.#source.length ? `unexpected ${this.#source.charAt(this.#at)}` : "a tag does not end");
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "", "\\": "\\", "'": "'", "\"": "\"", a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** As Python reads a text that is written out. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/g, (
    whole: string, byte?: string, short?: string, long?: string, octal?: string, other = "") => {
    const code = byte ?? short ?? long;
    const point = Number.parseInt(code ?? "0", 16);
    if (point > 0x10ffff) throw new Error(`${whole} is no character`);
    if (code !== undefined) return String.fromCodePoint(point);
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    if ("xuUN".includes(other)) throw new Error(`${whole} is no character`);
    return ESCAPES[other] ?? whole;
  });
}

export function tokensOf(source: string): Token[] {
  return new Lexer(source).run();
}
