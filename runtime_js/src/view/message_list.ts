/** The conversation on the page. Only the message that changes is drawn again, and answers when Markdown can be drawn. */

import { inTime } from "../support/patience.ts";
import { showAsWritten } from "./as_written.ts";
import { media } from "./media.ts";
import { attachments } from "./attachments.ts";
import { branchArrows, type Branch } from "./branches.ts";
import { Calls } from "./calls.ts";
import type { ViewContext } from "./context.ts";
import { byId, element, flash, icon, type IconName } from "./dom.ts";
import { copyAsMarkdown } from "./copy.ts";
import { Drawing } from "./drawing.ts";
import { Formulas } from "./formulas.ts";
import type { GrowingText } from "./growing_text.ts";
import { isCut, type Call, type Message } from "./message.ts";
import type { Slice } from "./slice.ts";
import { Thought } from "./thought.ts";

const REDRAW_MS = 60;
/** Drawing takes at most one part in so many of the time, however slow the device is. */
const REST = 4;
/** A kept conversation waits so long for Markdown before it is shown without. */
const PATIENCE_MS = 1000;

export interface MessageActions {
  /** Answer anew; index: of the answer. */
  retry(index: number): void;
  /** Change a question; index: of the question. */
  edit(index: number): void;
  /** Show another alternative to a message. by: -1 or 1. Where there are none this is not asked. */
  turn?(index: number, by: number): void;
  /** Go on with the last answer, which was cut. Without it none is offered, nor without `quote`. */
  goOn?(): void;
  /** Quote what is selected of a message, or all of it. */
  quote?(text: string): void;
  /** Reads an answer aloud, where there is a voice. */
  readonly speech?: { readonly isHere: boolean; toggle(text: string): void };
  /** The browser did not let the page copy. */
  copyRefused(): void;
  /** Draw, and leave the reader where he reads. */
  keepPlace(draw: () => void): void;
}

export class MessageList {
  readonly #context: ViewContext;
  readonly #list: HTMLOListElement;
  readonly #items: MessageItem[] = [];
  readonly #actions: MessageActions;
  readonly #drawing = new Drawing((draw) => draw(), () => this.#showBusy(), () => this.#list.hidden === true);
  readonly #formulas: Formulas;
  #markdownComes: Promise<void> | undefined;
  #latest: Message | undefined;
  #tellDrawn: (() => void) | undefined;
  /** Of the message that is pressed on. */
  #selected = "";
  #redraw: ReturnType<typeof setTimeout> | undefined;
  #pause = REDRAW_MS;

  constructor(context: ViewContext, actions: MessageActions) {
    this.#context = context;
    this.#list = byId("messages", HTMLOListElement, context.root);
    this.#actions = actions;
    this.#formulas = new Formulas(context);
    void context.mathematics.arrival.then(() => this.#drawing.add(this.#formulas));
    this.#list.addEventListener("copy", (event) => copyAsMarkdown(this.#list, event, context));
    this.#list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button[data-action]") : null;
      const index = this.#items.findIndex(({ element }) => element === button?.closest("li.message"));
      const item = this.#items[index];
      if (button === null || item === undefined) return;
      const action = button.dataset["action"];
      const copy = (text: string): void => void copyText(button, text).catch(() => actions.copyRefused());
      if (action === "retry") actions.retry(index);
      else if (action === "speak") actions.speech?.toggle(item.spoken);
      else if (action === "edit") actions.edit(index);
      else if (action === "copy") copy(item.message.text);
      else if (action === "copy-code") copy(button.closest(".code")?.querySelector("pre")?.textContent ?? "");
      else if (action === "continue") actions.goOn?.();
      else if (action === "quote") actions.quote?.(this.#selected === "" ? item.message.text : this.#selected);
      else if (action === "former" || action === "next") this.#turn(index, action);
    });
    // The press itself may take the selection away.
    this.#list.addEventListener("pointerdown", ({ target }) => {
      const body = target instanceof Element ? target.closest("li.message")?.querySelector(".body") : undefined;
      this.#selected = body instanceof Element ? selectedIn(body) : "";
    });
  }

  /** Messages of an earlier visit: they are shown when they look as they will. */
  async restore(messages: readonly Message[]): Promise<void> {
    this.#list.hidden = true;
    for (const message of messages) this.add(message);
    await inTime(Promise.resolve(this.#markdownComes), PATIENCE_MS);
    this.#list.hidden = false;
  }

  add(message: Message): void {
    const item = new MessageItem(message, this.#context, this.#actions);
    this.#items.push(item);
    this.#list.append(item.element);
    this.#draw(item);
    if (message.role === "assistant" && this.#context.markdown.code === undefined) this.#markdownComes ??= this.#awaitMarkdown();
  }

  #draw(item: MessageItem): void {
    this.#drawing.add(item, this.#formulas.within(item.element));
    this.#showBusy();
  }

  /** Draw the answers anew when Markdown is there. */
  async #awaitMarkdown(): Promise<void> {
    this.#showBusy();
    if (await this.#context.markdown.load()) {
      await new Promise<void>((resolve) => new Drawing((draw) => this.#actions.keepPlace(draw), resolve, () => this.#list.hidden === true).add(...this.#items, this.#formulas.within(...this.#items.map(({ element }) => element))));
    }
    this.#markdownComes = undefined;
    this.#showBusy();
  }

  /** Whether something is still to be drawn. */
  #showBusy(): void {
    const isBusy = this.#drawing.isBusy || this.#markdownComes !== undefined;
    if (!isBusy) this.#list.removeAttribute("aria-busy");
    else if (!this.#list.hasAttribute("aria-busy")) this.#list.setAttribute("aria-busy", "true");
    if (!isBusy) this.#tellDrawn?.();
  }

  /** Tells what the last message says, without Markdown's signs, once it is drawn; nothing where it is taken away before. */
  tellLast(tell: (text: string) => void): void {
    const item = this.#items.at(-1);
    this.#tellDrawn = () => {
      this.#tellDrawn = undefined;
      if (item !== undefined && this.#items.includes(item)) tell(item.spoken);
    };
    this.#showBusy();
  }

  /** A finished message is drawn at once, a growing one at intervals. */
  updateLast(message: Message): void {
    this.#latest = message;
    if (message.ending !== "open") this.#drawLatest();
    else this.#redraw ??= setTimeout(() => this.#drawLatest(), this.#pause);
  }

  /** Show which messages the model sees no more. */
  markLeftOut(messages: readonly Message[]): void {
    this.#items.forEach((item, index) => item.element.classList.toggle("left-out", messages[index]?.leftOut === true));
  }

  /** Show which of how many alternatives each message is. */
  markBranches(branches: readonly Branch[]): void {
    this.#items.forEach((item, index) => item.markBranch(branches[index]));
  }

  /** The message is another one then: who pressed a key goes on from the same button. */
  #turn(index: number, action: "former" | "next"): void {
    this.#actions.turn?.(index, action === "next" ? 1 : -1);
    const buttons = [action, "former", "next"].map((name) => this.#items[index]?.element.querySelector<HTMLButtonElement>(`[data-action="${name}"]:enabled`));
    buttons.find((button) => button)?.focus();
  }

  truncate(length: number): void {
    this.#forgetRedraw();
    for (const item of this.#items.splice(length)) {
      this.#drawing.drop(item);
      item.element.remove();
    }
    this.#showBusy();
  }

  #drawLatest(): void {
    const begin = performance.now();
    const item = this.#items.at(-1);
    if (this.#latest !== undefined && item !== undefined) {
      item.update(this.#latest);
      this.#draw(item);
    }
    this.#pause = Math.max(REDRAW_MS, REST * (performance.now() - begin));
    this.#forgetRedraw();
  }

  #forgetRedraw(): void {
    clearTimeout(this.#redraw);
    this.#redraw = undefined;
    this.#latest = undefined;
  }
}

class MessageItem {
  readonly element: HTMLLIElement;
  message: Message;
  readonly #body: HTMLElement;
  readonly #context: ViewContext;
  readonly #actions: MessageActions;
  #text: GrowingText | undefined;
  #thought: Thought | undefined;
  #tools: HTMLElement | undefined;
  #branch: Branch | undefined;
  #calls: Calls | undefined;

  constructor(message: Message, context: ViewContext, actions: MessageActions) {
    const { words, locale } = this.#context = context;
    this.#actions = actions;
    this.message = message;
    this.#body = element("div", { class: "body", part: "body" });
    const name = element("span", { class: "hidden" }, message.role === "user" ? words.wrote : words.answered);
    this.element = element("li", { class: `message ${message.role}`, part: `message ${message.role}`, "data-left-out": words.leftOut }, name, this.#body);
    this.element.classList.toggle("left-out", message.leftOut === true);
    if (message.role === "user") {
      this.#body.dir = "auto";
      this.#body.textContent = message.text;
      this.#body.before(...media(message), ...attachments(message, locale));
    }
    this.update(message);
  }

  /** Without signs that only writing has, where it is drawn without them. */
  get spoken(): string {
    return this.#context.markdown.code?.spokenOf(this.#body) ?? this.message.text;
  }

  /** message: the same one, with more text or its end. */
  update(message: Message): void {
    this.message = message;
    const open = message.ending === "open";
    this.element.toggleAttribute("data-open", open);
    if (message.role === "assistant") this.#drawThought(message, open);
    if (message.calls !== undefined) this.#drawCalls(message.calls);
    if (open) return;
    const { words } = this.#context;
    const note = words.notes[message.ending];
    if (note !== undefined) this.element.append(element("p", { class: "note" }, note));
    this.element.append(this.#tools = toolbar(message, this.#context, this.#actions));
    this.markBranch(this.#branch);
  }

  /** Arrows stand with the tools, once they are there. */
  markBranch(branch: Branch | undefined): void {
    this.#branch = branch;
    this.#tools?.querySelector(".branches")?.remove();
    if (branch !== undefined && branch.of > 1) this.#tools?.prepend(branchArrows(branch, this.#context));
  }

  /** Draw the text of an answer; false where there was no time for all of it. */
  draw(slice: Slice): boolean {
    return this.message.role !== "assistant" || this.#drawText(this.message.text, this.message.ending === "open", slice);
  }

  #drawThought({ text, thought = "", thoughtSeconds, calls }: Message, open: boolean): void {
    if (thought === "") return;
    if (this.#thought === undefined) {
      this.#thought = new Thought(this.#context);
      this.#body.before(this.#thought.element);
    }
    this.#thought.draw(thought, open && text === "" && calls === undefined, thoughtSeconds);
  }

  #drawCalls(calls: readonly Call[]): void {
    if (this.#calls === undefined) {
      this.#calls = new Calls(this.#context);
      this.#body.after(this.#calls.element);
    }
    this.#calls.draw(calls);
  }

  #drawText(text: string, open: boolean, slice: Slice): boolean {
    if (text === "") {
      this.#body.replaceChildren(...(open && this.message.calls === undefined ? [element("span", { class: "waiting" }, element("span", { class: "hidden" }, this.#context.words.thinking))] : []));
      return true;
    }
    const { code } = this.#context.markdown;
    if (code === undefined) {
      showAsWritten(this.#body, text);
      return true;
    }
    this.#text ??= new code.GrowingText(this.#body, this.#context);
    try {
      return this.#text.draw(text, !open, slice);
    } catch { // a text that cannot be drawn is shown as it was written
      this.#text = undefined;
      showAsWritten(this.#body, text);
      return true;
    }
  }
}

function toolbar(message: Message, { words, locale }: ViewContext, actions: MessageActions): HTMLElement {
  const bar = element("div", { class: "tools", part: "tools" });
  const button = (action: string, label: string, symbol: IconName): HTMLButtonElement =>
    element("button", { type: "button", class: "plain icon", "data-action": action, "aria-label": label, title: label }, icon(symbol));
  bar.append(button("copy", words.copy, "copy"));
  if (message.role === "user") bar.append(button("edit", words.change, "edit"));
  else bar.append(button("retry", words.again, "again"));
  if (message.role === "assistant" && actions.speech?.isHere === true) bar.append(button("speak", words.speak, "speak"));
  if (actions.quote !== undefined) bar.append(button("quote", words.quote, "quote"));
  if (actions.goOn !== undefined && isCut(message)) bar.append(element("button", { type: "button", class: "plain", "data-action": "continue" }, words.goOn));
  if (message.by !== undefined) bar.append(element("span", { class: "speed by" }, `${words.from} ${message.by}`));
  if (message.speed !== undefined) bar.append(element("span", { class: "speed" }, words.speed.replace("{speed}", message.speed.toLocaleString(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }))));
  return bar;
}

/** What is selected in an element, and nowhere else. */
function selectedIn(body: Element): string {
  const selection = document.getSelection();
  return selection !== null && body.contains(selection.anchorNode) && body.contains(selection.focusNode) ? selection.toString().trim() : "";
}

async function copyText(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  flash(button, "check", "copy");
}
