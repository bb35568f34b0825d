/** What is said and done, and the button that stops all of it. */

import { MAX_ROUNDS, run, type Call, type Ending, type Message, type Model, type User } from "../agent.ts";
import { systemPrompt } from "../prompt.ts";
import type { Change, Tool } from "../tools.ts";
import { ChangeCard } from "./change.ts";
import { byId, element, isAbort, messageOf } from "./dom.ts";

const MAX_REQUEST = 4000;
const ENDINGS: Readonly<Record<Ending, string | null>> = {
  answered: null,
  rounds: `Stopped: ${MAX_ROUNDS} rounds without an end.`,
  repeated: "Stopped: the model made the same call again.",
};

export class Conversation implements User {
  readonly #model: Model;
  readonly #tools: readonly Tool[];
  readonly #log = byId("log", HTMLOListElement);
  readonly #request = byId("request", HTMLTextAreaElement);
  readonly #send = byId("send", HTMLButtonElement);
  readonly #stop = byId("stop", HTMLButtonElement);
  readonly #history: Message[] = [];
  readonly #calls = new Map<Call, HTMLElement>();
  #text: HTMLElement | null = null;
  #running: AbortController | null = null;

  constructor(model: Model, tools: readonly Tool[]) {
    this.#model = model;
    this.#tools = tools;
    this.#request.maxLength = MAX_REQUEST;
    this.#send.disabled = false;
    const form = byId("composer", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#perform(this.#request.value.trim());
    });
    this.#request.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.#stop.addEventListener("click", () => this.#running?.abort());
  }

  async #perform(request: string): Promise<void> {
    if (request === "" || this.#running !== null) return;
    const controller = new AbortController();
    this.#running = controller;
    this.#request.value = "";
    this.#add("user", request);
    this.#toggle(true);
    const messages: Message[] = [systemPrompt(new Date()), ...this.#history, { role: "user", content: request }];
    try {
      const told = ENDINGS[await run(messages, this.#model, this.#tools, this, controller.signal)];
      if (told !== null) this.#add("remark", told);
    } catch (error) {
      this.#add(isAbort(error) ? "remark" : "problem", isAbort(error) ? "Stopped." : messageOf(error));
    } finally {
      this.#history.splice(0, Infinity, ...whole(messages.slice(1)));
      this.#text = null;
      this.#running = null;
      this.#toggle(false);
    }
  }

  said(text: string): void {
    if (text.trim() === "") return;
    this.#text ??= this.#add("answer", "");
    this.#text.textContent = text;
    this.#scroll();
  }

  called(call: Call): void {
    this.#text = null;
    const details = element("details", {}, element("summary", { textContent: call.name.replaceAll("_", " ") }), element("pre", { textContent: call.arguments }));
    this.#calls.set(call, details);
    this.#add("call", "").append(details);
  }

  answered(call: Call, result: string, isError: boolean): void {
    const details = this.#calls.get(call);
    details?.append(element("pre", { textContent: result }));
    details?.classList.toggle("failed", isError);
    this.#scroll();
  }

  confirm(change: Change, signal: AbortSignal): Promise<boolean> {
    return this.#ask(change, signal, null);
  }

  /** For agents from elsewhere, whose calls come at any time. */
  readonly others: Pick<User, "confirm"> = {
    confirm: (change, signal) => this.#ask(change, signal, "Another agent asks for this."),
  };

  #ask(change: Change, signal: AbortSignal, asker: string | null): Promise<boolean> {
    const question = new ChangeCard(change, asker);
    this.#add("question", "").append(question.card);
    this.#scroll();
    return question.decide(signal);
  }

  #add(kind: string, text: string): HTMLElement {
    const item = element("li", { className: kind, textContent: text });
    this.#log.append(item);
    this.#scroll();
    return item;
  }

  #scroll(): void {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #toggle(running: boolean): void {
    this.#log.ariaBusy = String(running);
    this.#send.hidden = running;
    this.#stop.hidden = !running;
    if (!running) this.#request.focus();
  }
}

/** Without what was stopped: a call without its result, or a request without an answer, which templates do not take. */
function whole(messages: readonly Message[]): readonly Message[] {
  if (messages.at(-1)?.role === "user") return messages.slice(0, -1);
  const answered = new Set(messages.flatMap((message) => (message.role === "tool" ? [message.call] : [])));
  const cut = messages.findIndex((message) => message.role === "assistant" && message.calls.some(({ id }) => !answered.has(id)));
  return cut < 0 ? messages : messages.slice(0, cut);
}
