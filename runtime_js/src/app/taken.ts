/** What has come of an answer: text, thoughts and how long they took, calls of tools. */

import type { Fields } from "../support/fields.ts";
import type { Call, Message } from "../view/message.ts";
import type { Piece } from "./engine.ts";

const MAX_CALLS = 1000;
const MAX_NAME = 1000;

/** Of a message that was kept, what is not its text. maxText: characters of arguments, and of a result. Raises the error of the fields. */
export function readTaken(fields: Fields, maxText: number): Pick<Message, "thoughtSeconds" | "calls"> {
  const seconds = fields.optional("thoughtSeconds", (key) => fields.number(key, 0, 1e9));
  const calls = fields.optional("calls", (key) => fields.objects(key, MAX_CALLS, (call) => {
    const result = call.optional("result", (name) => call.string(name, maxText));
    return { name: call.string("name", MAX_NAME), arguments: call.string("arguments", maxText), ...(result !== undefined && { result }) };
  }));
  return { ...(seconds !== undefined && { thoughtSeconds: seconds }), ...(calls !== undefined && { calls }) };
}

export class Taken {
  #text: string;
  #thought: string;
  #seconds: number | undefined;
  #thinking: number | undefined;
  readonly #calls: Call[];

  /** begun: the answer that goes on. */
  constructor(begun: Pick<Message, "text" | "thought" | "thoughtSeconds" | "calls"> = { text: "" }) {
    this.#text = begun.text;
    this.#thought = begun.thought ?? "";
    this.#seconds = begun.thoughtSeconds;
    this.#calls = [...begun.calls ?? []];
  }

  take({ text, thought, call }: Piece): void {
    this.#text += text;
    if (thought !== "") {
      const now = performance.now();
      this.#thought += thought;
      this.#thinking ??= now - 1000 * (this.#seconds ?? 0);
      this.#seconds = (now - this.#thinking) / 1000;
    }
    const last = this.#calls.at(-1);
    if (call?.name !== undefined && this.#calls.length < MAX_CALLS) this.#calls.push({ name: call.name.slice(0, MAX_NAME), arguments: "" });
    else if (call !== undefined && last !== undefined) this.#calls[this.#calls.length - 1] = { ...last, arguments: last.arguments + call.arguments };
  }

  get text(): string {
    return this.#text;
  }

  get said(): Pick<Message, "text" | "thought" | "thoughtSeconds" | "calls"> {
    return {
      text: this.#text,
      ...(this.#thought !== "" && { thought: this.#thought, thoughtSeconds: this.#seconds }),
      ...(this.#calls.length > 0 && { calls: [...this.#calls] }),
    };
  }
}
