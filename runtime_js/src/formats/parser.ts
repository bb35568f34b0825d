/** What a model writes, told apart as it comes: text, thoughts, calls of tools. A pure function of the text, however it is cut. */

import { readCalls } from "./calls.ts";
import type { OutputEvent } from "./events.ts";
import type { ChatFormat, ToolFormat } from "./format.ts";
import type { JsonObject } from "../support/json.ts";
import { Input, Malformed, spaces, type Step } from "./input.ts";
import type { CallSink } from "./sink.ts";

export interface ParserOptions {
  readonly format: ChatFormat;
  /** The JSON Schemas of the tools that may be called, by name; without any, calls are text. */
  readonly tools: ReadonlyMap<string, JsonObject>;
  /** Calls of others are told, too, where a tag says that they are calls. */
  readonly tellsAll?: boolean | undefined;
  /** Whether there may be more than one call. */
  readonly parallel: boolean;
  /** Whether the prompt has opened a thought. */
  readonly isThinking: boolean;
  readonly newId: () => string;
  /** What the prompt ends with, and the answer goes on with. */
  readonly opened: string;
}

export class OutputParser {
  readonly #input = new Input();
  readonly #options: ParserOptions;
  readonly #tools: ToolFormat | undefined;
  readonly #emit: (event: OutputEvent) => void;
  readonly #reader: Step<void>;
  /** The event that pieces are still added to. */
  #open: OutputEvent | null = null;
  #isThinking: boolean;
  #calls = 0;
  #isCut = false;
  #hasText = false;
  /** Whether something else came since the last text, so that the next one begins on a line of its own. */
  #isParted = false;
  /** Whether what is read may still turn out to be no call. */
  #isHeld = false;

  constructor(options: ParserOptions, emit: (event: OutputEvent) => void) {
    this.#options = options;
    this.#tools = options.tools.size > 0 || options.tellsAll === true ? options.format.tools : undefined;
    this.#isThinking = options.isThinking && options.format.thinking !== undefined;
    this.#emit = emit;
    this.#reader = this.#answer();
    this.push(options.opened);
  }

  /** Whether what comes next belongs to a thought. */
  get isThinking(): boolean {
    return this.#isThinking;
  }

  /** Calls that have begun. */
  get calls(): number {
    return this.isOver ? 1 : this.#calls;
  }

  /** Whether the answer goes on with what was not asked for. */
  get isOver(): boolean {
    return !this.#options.parallel && this.#calls > 1;
  }

  /** Whether the text ended within a call that was told already. */
  get isCut(): boolean {
    return this.#isCut;
  }

  push(text: string): void {
    if (text === "" || this.isOver) return;
    this.#input.push(text);
    this.#reader.next();
    this.#flush();
  }

  /** No more text comes. */
  end(): void {
    if (this.isOver) return;
    const { opened } = this.#options;
    if (this.#input.rest === opened) this.#input.take(opened.length); // nothing came
    this.#input.end();
    this.#reader.next();
    this.#flush();
  }

  *#answer(): Step<void> {
    const { thinking, skipped } = this.#options.format;
    const input = this.#input;
    const opening = [...(thinking === undefined ? [] : [thinking.begin]), ...(this.#tools?.begin ?? []), ...skipped];
    if (this.#isThinking) yield* this.#thought();
    let isStart = true;
    while (!input.isEnded || input.rest !== "") {
      if (isStart && this.#tools?.bare === true && this.#options.tools.size > 0) yield* this.#bareCall(this.#tools);
      let before = "";
      const tag = yield* input.until(opening, (text) => this.#addText(text), (text) => {
        before = text.slice(text.length - spaces(text));
        return before.length;
      });
      isStart = false;
      if (tag === undefined) return;
      if (tag === thinking?.begin) {
        this.#isThinking = true;
        yield* this.#thought();
        isStart = true;
      } else if (this.#tools?.begin.includes(tag) === true) {
        yield* this.#callsBehind(before, tag, this.#tools);
      } else {
        yield* input.skipSpace();
        this.#isParted = true;
      }
    }
  }

  *#thought(): Step<void> {
    const input = this.#input;
    yield* input.skipSpace();
    yield* input.until([this.#options.format.thinking?.end ?? ""], (text) => this.#add({ type: "reasoning", text }));
    this.#isThinking = false;
    this.#isParted = true;
    yield* input.skipSpace();
  }

  /** A call without a tag, at the beginning of an answer. */
  *#bareCall(format: ToolFormat): Step<void> {
    const first = yield* this.#input.peek();
    if (first === "{" || first === "[") yield* this.#callsBehind("", "", format);
  }

  /** space: what stands in front of the tag, and is text where no call comes. */
  *#callsBehind(space: string, tag: string, format: ToolFormat): Step<void> {
    const input = this.#input;
    let before = space + tag;
    const hold = (): void => {
      if (this.#isHeld) input.unmark();
      this.#isHeld = true;
      input.mark();
    };
    const sink: CallSink = {
      expect: () => { before = ""; hold(); },
      begin: (name) => {
        if (this.#options.tellsAll !== true && !this.#options.tools.has(name)) throw new Malformed("no such tool");
        this.#isHeld = false;
        this.#isParted = true;
        input.unmark();
        this.#add({ type: "toolCall", index: this.#calls++, id: this.#options.newId(), name });
      },
      piece: (text) => this.#add({ type: "toolArguments", index: this.#calls - 1, text }),
    };
    hold();
    try {
      yield* readCalls(input, format, this.#options.tools, sink);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#isCut = !this.#isHeld && input.isEnded;
      if (this.#isHeld) this.#addText(before + input.unmark());
    }
    if (this.#isHeld) input.unmark();
    this.#isHeld = false;
  }

  #addText(text: string): void {
    if (text === "") return;
    this.#add({ type: "text", text: this.#isParted && this.#hasText ? `\n${text}` : text });
    [this.#hasText, this.#isParted] = [true, false];
  }

  #add(event: OutputEvent): void {
    if (this.isOver) return;
    const open = this.#open;
    if (open?.type === "text" && event.type === "text") this.#open = { type: "text", text: open.text + event.text };
    else if (open?.type === "reasoning" && event.type === "reasoning") this.#open = { type: "reasoning", text: open.text + event.text };
    else if (open?.type === "toolArguments" && event.type === "toolArguments" && open.index === event.index) {
      this.#open = { ...event, text: open.text + event.text };
    } else {
      this.#flush();
      this.#open = event;
    }
  }

  #flush(): void {
    if (this.#open !== null) this.#emit(this.#open);
    this.#open = null;
  }
}
