/** Connects engine, conversation and views: every action of the user is one method here. */

import { AbortError } from "../support/errors.ts";
import { freeBytes } from "../storage/quota.ts";
import type { InitProgressReport } from "../api/types.ts";
import type { PageConfig } from "../page/config.ts";
import { Conversation, type Message } from "./conversation.ts";
import { EngineHost } from "./engine.ts";
import { formatBytes } from "../page/format.ts";
import { keepIn } from "./keep.ts";
import { describeProblem, type Problem } from "./problems.ts";
import { Rate } from "./rate.ts";
import { SettingsStore, type Settings } from "./settings.ts";
import { Card } from "./view/card.ts";
import { Composer, type ComposerMode } from "./view/composer.ts";
import { byId, element } from "./view/dom.ts";
import { MessageList } from "./view/message-list.ts";
import { showNotice } from "./view/notice.ts";
import { ProblemPanel } from "./view/problem-panel.ts";
import { Scroller } from "./view/scroll.ts";
import { SettingsDialog } from "./view/settings-dialog.ts";

/** offer: the model is not loaded. loading, ready, answering: as they say. failed: it must be started again. */
type Status = "offer" | "loading" | "ready" | "answering" | "failed";

const COMPOSER: Readonly<Record<Status, ComposerMode>> = { offer: "off", loading: "typing", ready: "ready", answering: "busy", failed: "off" };

const SUGGESTIONS = [
  "Explain why the sky is blue as if I were seven.",
  "Write four lines about rain on a tin roof.",
  "Give me three ideas for a quick dinner with lentils.",
  "Write a Python function that counts the words in a text.",
];

export class Controller {
  readonly #engine: EngineHost;
  readonly #downloadBytes: number;
  readonly #conversation: Conversation;
  readonly #settingsStore: SettingsStore;
  #settings: Settings;
  #status: Status = "offer";
  /** Index of the question that the composer changes. */
  #editing: number | undefined;
  /** Counts answers, so that one that was overtaken (by a new chat) writes no more. */
  #turn = 0;

  readonly #card: Card;
  readonly #composer: Composer;
  readonly #list: MessageList;
  readonly #problem: ProblemPanel;
  readonly #scroller = new Scroller();
  readonly #newChatButton = byId("new-chat", HTMLButtonElement);
  readonly #welcome = byId("welcome", HTMLElement);

  constructor(config: PageConfig) {
    const { model } = config;
    this.#engine = new EngineHost(config);
    this.#downloadBytes = config.downloadBytes;
    this.#conversation = new Conversation(keepIn(() => sessionStorage), model.id);
    this.#settingsStore = new SettingsStore(keepIn(() => localStorage), model.id, model.contextLength);
    this.#settings = this.#settingsStore.load();
    this.#card = new Card(model, config.downloadBytes, () => void this.start(), () => this.#cancelStart());
    this.#composer = new Composer((text) => void this.#send(text), () => void this.#engine.stop(), () => this.#leaveEdit());
    this.#list = new MessageList(
      { retry: (index) => void this.#answerFrom(index), edit: (index) => this.#edit(index) },
      (index) => this.#conversation.messages[index]?.text ?? "",
    );
    this.#problem = new ProblemPanel((problem) => this.#resolve(problem));
    new SettingsDialog(this.#settings, this.#settingsStore.defaults, model.contextLength, {
      change: (settings) => this.#change(settings),
      deleteModel: () => void this.#deleteModel(),
    });
    this.#newChatButton.addEventListener("click", () => this.#newChat());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    this.#suggest();
  }

  /** Show what the tab held, then start a stored model or offer the download. */
  async open(): Promise<void> {
    this.#conversation.restore();
    for (const message of this.#conversation.messages) this.#list.add(message);
    if (await this.#engine.isStored()) await this.start();
    else await this.#offer();
  }

  /** Load the model; the conversation stays. */
  async start(): Promise<void> {
    this.#problem.hide();
    const stored = await this.#engine.isStored();
    this.#card.loading(stored);
    this.#setStatus("loading");
    const rate = new Rate();
    try {
      await this.#engine.start(this.#settings.contextLength, (report) => this.#onProgress(report, rate));
    } catch (error) {
      if (error instanceof AbortError) return;
      this.fail(describeProblem(error));
      return;
    }
    this.#card.hide();
    this.#setStatus("ready");
    this.#announce("The model is ready.");
    this.#composer.focus();
  }

  /** Show a problem; a fatal one ends the engine. */
  fail(problem: Problem): void {
    if (problem.fatal) {
      this.#engine.close();
      this.#card.hide();
      this.#setStatus("failed");
    } else {
      this.#setStatus("ready");
    }
    this.#problem.show(problem);
  }

  /** Wait for the user: nothing large is fetched unasked. */
  async #offer(): Promise<void> {
    const stored = await this.#engine.isStored();
    this.#card.offer(stored);
    this.#setStatus("offer");
    const free = await freeBytes();
    if (!stored && free !== undefined && free < this.#downloadBytes) {
      showNotice(`The browser offers ${formatBytes(free)} of storage: the model will run, but be downloaded again next time.`, "Close");
    }
  }

  #cancelStart(): void {
    this.#engine.close();
    void this.#offer();
  }

  #onProgress(report: InitProgressReport, rate: Rate): void {
    const { phase, progress, bytesDone, bytesTotal, warning } = report;
    const estimate = rate.sample(performance.now(), bytesDone, bytesTotal);
    this.#card.update({ phase, fraction: progress, bytesDone, bytesTotal, estimate });
    if (warning !== undefined) showNotice(warning, "Close");
  }

  async #send(text: string): Promise<void> {
    if (this.#editing !== undefined) this.#truncate(this.#editing);
    this.#editing = undefined;
    this.#append({ role: "user", text, ending: "stop" });
    await this.#answerFrom(this.#conversation.messages.length);
  }

  /** Answer the messages before `index`; what stood from there on is dropped. */
  async #answerFrom(index: number): Promise<void> {
    if (this.#status !== "ready") return;
    this.#truncate(index);
    this.#problem.hide();
    const turn = ++this.#turn;
    const question = [...this.#conversation.messages];
    this.#append({ role: "assistant", text: "", ending: "open" });
    this.#setStatus("answering");
    this.#scroller.toEnd();
    this.#announce("The model is answering.");
    let text = "";
    try {
      const { ending, speed } = await this.#engine.answer(question, this.#settings, (piece) => {
        text += piece;
        this.#writeAnswer(turn, { role: "assistant", text, ending: "open" });
      });
      if (this.#writeAnswer(turn, { role: "assistant", text, ending, speed })) {
        this.#setStatus("ready");
        this.#announce(text);
      }
    } catch (error) {
      if (this.#writeAnswer(turn, { role: "assistant", text, ending: "failed" })) this.fail(describeProblem(error));
    }
  }

  /** False where the conversation went on without this answer. */
  #writeAnswer(turn: number, message: Message): boolean {
    if (turn !== this.#turn) return false;
    this.#conversation.replaceLast(message);
    this.#list.updateLast(message);
    return true;
  }

  #newChat(): void {
    const answering = this.#status === "answering";
    this.#turn += 1;
    this.#truncate(0);
    this.#leaveEdit();
    this.#problem.hide();
    if (answering) {
      void this.#engine.stop();
      this.#setStatus("ready");
    }
    this.#setStatus(this.#status);
    this.#composer.focus();
  }

  #edit(index: number): void {
    if (this.#status !== "ready") return;
    this.#editing = index;
    this.#composer.fill(this.#conversation.messages[index]?.text ?? "", true);
    this.#composer.focus();
  }

  #leaveEdit(): void {
    if (this.#editing === undefined) return;
    this.#editing = undefined;
    this.#composer.fill("", false);
  }

  #resolve(problem: Problem): void {
    this.#problem.hide();
    if (problem.action === "start") void this.start();
    else if (problem.action === "new-chat") this.#newChat();
  }

  #change(settings: Settings): void {
    const restart = settings.contextLength !== this.#settings.contextLength && this.#status === "ready";
    this.#settings = settings;
    this.#settingsStore.save(settings);
    if (restart) void this.start();
  }

  async #deleteModel(): Promise<void> {
    this.#turn += 1;
    await this.#engine.forget();
    this.#problem.hide();
    await this.#offer();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]") !== null) return;
    if (this.#status === "answering") void this.#engine.stop();
    else this.#leaveEdit();
  }

  #append(message: Message): void {
    this.#conversation.add(message);
    this.#list.add(message);
  }

  #truncate(length: number): void {
    this.#conversation.truncate(length);
    this.#list.truncate(length);
  }

  #setStatus(status: Status): void {
    this.#status = status;
    document.body.dataset["status"] = status;
    this.#composer.setMode(COMPOSER[status]);
    const empty = this.#conversation.messages.length === 0;
    this.#newChatButton.disabled = empty;
    this.#welcome.hidden = !empty || status !== "ready";
  }

  #suggest(): void {
    byId("suggestions", HTMLElement).append(...SUGGESTIONS.map((text) => {
      const button = element("button", { type: "button" }, text);
      button.addEventListener("click", () => void this.#send(text));
      return element("li", {}, button);
    }));
  }

  /** Say something to a screen reader. Answers are read when they are complete, not piece by piece. */
  #announce(text: string): void {
    byId("announce", HTMLElement).textContent = text;
  }
}
