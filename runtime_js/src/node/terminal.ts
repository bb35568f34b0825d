/** A conversation in a terminal, or one answer for a pipe. Answers go to `output`, all else to `notes`. */

import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { MLCEngineInterface } from "../api/types.ts";
import type { ChatCompletionMessageParam, ContentPart } from "../api/openai/types.ts";
import { CHAT_SAMPLING, type SamplingDefaults } from "../storage/sampling_defaults.ts";
import { AbortError, RequestValidationError, asEngineError } from "../support/errors.ts";

/** Of an answer: a small model may never end one by itself. */
const MOST_TOKENS = 1024;
const INTERRUPTED = 130;
interface Medium {
  readonly what: string;
  readonly example: string;
  /** What files of it are read here. */
  readonly format: string;
  readonly part: (file: Blob) => ContentPart;
}

/** By what begins a line that names such a file. */
const MEDIA: ReadonlyMap<string, Medium> = new Map<string, Medium>([
  ["/image", { what: "picture", example: "photo.png", format: "PNG", part: (url) => ({ type: "image_url", image_url: { url } }) }],
  ["/sound", { what: "sound", example: "voice.wav", format: "WAV", part: (data) => ({ type: "input_audio", input_audio: { data } }) }],
]);
const BUSY = "\r\x1b[K"; // to the line's begin, and empty it
/** What would steer a terminal: control characters but tabs and the ends of lines, and what turns the direction of text. */
const STEERING = /(?![\t\n])[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

export interface TerminalOptions {
  /** The model continues texts, and does not chat. */
  readonly continues: boolean;
  readonly system: string | undefined;
  /** What the model says of its sampling. */
  readonly sampling: SamplingDefaults;
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
  readonly notes: Writable & { readonly isTTY?: boolean };
  /** Whether thoughts may be dim. */
  readonly styled: boolean;
  /** A file's bytes. */
  readonly open: (path: string) => Promise<Blob>;
  /** Ends the process. */
  readonly quit: () => void;
}

export class Terminal {
  readonly #engine: MLCEngineInterface;
  readonly #options: TerminalOptions;
  readonly #messages: ChatCompletionMessageParam[] = [];
  /** That go with the next prompt. */
  #media: ContentPart[] = [];
  #running: AbortController | undefined;
  /** Of a conversation. */
  #lines: Interface | undefined;
  /** What the process ends with. */
  exitCode = 0;

  constructor(engine: MLCEngineInterface, options: TerminalOptions) {
    this.#engine = engine;
    this.#options = options;
    if (options.system !== undefined) this.#messages.push({ role: "system", content: options.system });
  }

  /** Says on a terminal what is done just now; what is said later takes its place. */
  busy(text: string): void {
    const { notes } = this.#options;
    if (notes.isTTY) notes.write(BUSY + text);
  }

  /** Stops the answer that runs, and the next time, or where none does, quits. */
  interrupt(): void {
    const isAnswering = this.#running?.signal.aborted === false;
    if (!isAnswering || this.#lines === undefined) this.exitCode = INTERRUPTED;
    if (isAnswering) {
      this.#running?.abort();
    } else {
      this.#lines?.close(); // the terminal is as it was
      this.#options.notes.write("\n");
      this.#options.quit();
    }
  }

  /** Writes the answer to a prompt, or what follows on it. Rejects with MLCEngineErrors; a stopped one is no error. */
  async answer(prompt: string): Promise<void> {
    const { output } = this.#options;
    if (prompt.trim() === "") throw new RequestValidationError("There is no prompt: give one with --prompt, in a pipe, or on a terminal.");
    const running = this.#running = new AbortController();
    const content = this.#media.length === 0 ? prompt : [...this.#media, { type: "text", text: prompt }];
    this.#media = [];
    let text = "";
    try {
      for await (const piece of await this.#pieces(content, running.signal)) {
        text += piece;
        output.write(output.isTTY ? harmless(piece) : piece);
      }
    } catch (error) {
      if (!(error instanceof AbortError)) throw error;
    } finally {
      this.#running = undefined;
      if (!text.endsWith("\n")) output.write("\n");
    }
    if (text !== "") this.#messages.push({ role: "user", content }, { role: "assistant", content: text });
  }

  async #pieces(content: string | ContentPart[], signal: AbortSignal): Promise<AsyncIterable<string>> {
    const { temperature, topP: top_p } = { ...CHAT_SAMPLING, ...this.#options.sampling };
    const request = { temperature, top_p, stream: true, max_tokens: MOST_TOKENS } as const;
    if (this.#options.continues && typeof content === "string") {
      const prompt = content;
      const stream = await this.#engine.completions.create({ ...request, prompt }, { signal });
      return mapped(stream, ({ choices: [choice] }) => choice?.text ?? "");
    }
    const messages = [...this.#messages, { role: "user", content } as const];
    const stream = await this.#engine.chat.completions.create({ ...request, messages, context_overflow: "drop_oldest" }, { signal });
    return mapped(stream, ({ choices: [choice] }) => {
      this.#think(choice?.delta.reasoning_content ?? "");
      return choice?.delta.content ?? "";
    });
  }

  /** A person may read along; a pipe gets the answer alone. */
  #think(thought: string): void {
    const { notes, styled } = this.#options;
    if (notes.isTTY && thought !== "") notes.write(styled ? `\x1b[2m${harmless(thought)}\x1b[22m` : harmless(thought));
  }

  /** The picture or the sound goes with the next prompt. Raises RequestValidationError for what is none, or where the model takes none. */
  async #attach(command: string, { what, example, format, part }: Medium, given: string): Promise<void> {
    const path = given.trim().replace(/^(["'])(.*)\1$/, "$2");
    if (path === "") throw new RequestValidationError(`Write which ${what}: ${command} ${example}`);
    if (this.#options.continues) throw new RequestValidationError(`This model continues texts, and takes no ${what}s.`);
    const file = await this.#options.open(path).catch((error: unknown) => {
      throw new RequestValidationError(`${path} cannot be read (${String(error)}). Give the path of a ${format} file.`);
    });
    const read = part(file);
    await this.#engine.tokenize([{ role: "user", content: [read] }]);
    this.#media.push(read);
    this.#options.notes.write(`${path} goes with what you write next.\n`);
  }

  async #heard(line: string): Promise<void> {
    if (line.trim() === "") return;
    const [command = ""] = line.split(" ", 1);
    const medium = MEDIA.get(command);
    await (medium === undefined ? this.answer(line) : this.#attach(command, medium, line.slice(command.length)));
  }

  /** Answers line by line, until the input ends or somebody quits. An answer that fails does not end it. */
  async converse(): Promise<void> {
    const { input, notes, continues } = this.#options;
    const lines = this.#lines = createInterface({ input, output: notes, terminal: notes.isTTY === true, prompt: continues ? "text> " : "you> " });
    lines.on("SIGINT", () => this.interrupt());
    lines.prompt();
    for await (const line of lines) {
      await this.#heard(line).catch((error: unknown) => notes.write(describeError(error)));
      lines.prompt();
    }
    notes.write("\n");
  }
}

export function describeError(error: unknown): string {
  return `Error: ${harmless(asEngineError(error).message)}\n`;
}

/** What a model or a file says, for a terminal. */
function harmless(text: string): string {
  return text.replace(STEERING, "\ufffd");
}

async function* mapped<T>(stream: AsyncIterable<T>, text: (chunk: T) => string): AsyncIterable<string> {
  for await (const chunk of stream) yield text(chunk);
}
