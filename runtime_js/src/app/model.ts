/** The life of the model on the page: offered, loaded, used, lost, deleted. What is done with it is a Task's business. */

import { freeBytes } from "../storage/quota.ts";
import { AbortError, DeviceLostError, type MLCEngineError } from "../support/errors.ts";
import type { InitProgressReport } from "../api/types.ts";
import type { Computer } from "../executor/devices.ts";
import type { PageConfig, SiteModel } from "../page/config.ts";
import type { ModelHost } from "../api/host.ts";
import { WorkerScript } from "../page/worker-script.ts";
import { EngineHost, isHere, type Outcome, type Piece } from "./engine.ts";
import { safeStorage } from "./safe_storage.ts";
import { deletionFailed, describeProblem, type Problem, type ProblemAction } from "./problems.ts";
import { askToKeep } from "./persistence.ts";
import { openStorage } from "./open_storage.ts";
import { Rate } from "./rate.ts";
import { ChosenModel } from "./chosen_model.ts";
import { SettingsStore, deviceOf, type Settings } from "./settings.ts";
import { Unfinished } from "./unfinished.ts";
import { loadNewest, lookForUpdate } from "./updates.ts";
import { Card } from "./view/card.ts";
import { Chooser } from "./view/chooser.ts";
import { byId } from "../view/dom.ts";
import type { Turn } from "../view/message.ts";
import { hideNotice, showNotice } from "./view/notice.ts";
import { ProblemPanel } from "./view/problem-panel.ts";
import { judge, judgeFailure } from "./verdict.ts";
import { Speeds } from "./where.ts";
import { fill } from "./words/fill.ts";
import { formatBytes, formatPercent } from "./words/format.ts";
import { WORDS } from "./words/words.ts";

/** offer: the model is not loaded. failed: it must be started again. The others as they say. */
export type Status = "checking" | "offer" | "loading" | "ready" | "answering" | "deleting" | "failed";

/** What a page does with the model. */
export interface Task {
  /** The status has changed. */
  show(status: Status): void;
  /** The model is ready and has nothing to do. isFresh: it was loaded just now. */
  ready(isFresh: boolean): void;
  /** Whether a button of a problem makes sense now. */
  offers(action: "new" | "leave-out"): boolean;
  resolve(action: "new" | "leave-out" | "settings"): void;
}

/** What belongs to one of the site's models. */
interface Chosen {
  readonly model: SiteModel;
  readonly store: SettingsStore;
  readonly host: EngineHost;
  readonly speeds: Speeds;
}

export class Model {
  readonly #config: PageConfig;
  readonly #script: WorkerScript;
  readonly #choice: ChosenModel;
  readonly #chooser: Chooser;
  #chosen: Chosen;
  readonly #task: Task;
  readonly #card: Card;
  readonly #problem: ProblemPanel;
  #settings: Settings;
  #status: Status = "checking";
  /** Starts, stops and deletions come one after the other; of those that wait, only the latest is done. */
  #last: Promise<void> = Promise.resolve();
  #turn = 0;
  readonly #starts: Unfinished;
  /** Ends what finds out how the model would run. */
  #looking: AbortController | undefined;
  /** The page has ended before a start was done, until the next one. */
  #wasCutOff: boolean;
  #running: AbortController | undefined;
  #computer: Computer | undefined;
  /** The browser gives the page no GPU. */
  #hasNoGpu = false;

  constructor(config: PageConfig, task: Task) {
    this.#config = config;
    this.#task = task;
    this.#script = new WorkerScript(config.worker);
    this.#starts = new Unfinished(safeStorage(() => sessionStorage), `webllm-build:start:${config.models[0].id}`);
    this.#wasCutOff = this.#starts.wasCutOff;
    this.#choice = new ChosenModel(safeStorage(() => localStorage), config.models);
    const { model, store } = this.#chosen = this.#open(this.#choice.model);
    this.#settings = { ...store.load(), ...deviceOf(location.search) };
    this.#chooser = new Chooser(config.models, (chosen) => void this.select(chosen));
    this.#chooser.show(model);
    this.#card = new Card(model, () => void this.start(), () => void this.#cancelStart());
    this.#problem = new ProblemPanel((action) => this.#resolve(action));
  }

  #open(model: SiteModel): Chosen {
    return {
      model,
      store: new SettingsStore(safeStorage(() => localStorage), model.id, model.contextLength, model.sampling, this.#config.site.systemPrompt),
      host: new EngineHost(this.#config, this.#script, model, (error) => this.#lost(error), (report) => this.#onSense(report)),
      speeds: new Speeds(safeStorage(() => localStorage), model.id),
    };
  }

  get model(): SiteModel {
    return this.#chosen.model;
  }

  get store(): SettingsStore {
    return this.#chosen.store;
  }

  get isOneOfSeveral(): boolean {
    return this.#config.models.length > 1;
  }

  get #host(): EngineHost {
    return this.#chosen.host;
  }

  get status(): Status {
    return this.#status;
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Start a stored model, or offer the download; also one whose start has ended the page, or that would happen again and again. */
  async open(hasGpu: boolean): Promise<void> {
    this.#hasNoGpu = !hasGpu;
    if (!this.#wasCutOff && await this.#host.isStored()) await this.start();
    else await this.#cancelStart();
  }

  /**
   * Go on with another model, and free the former one's memory. It starts at once where it is on this device. What is set beside the model goes
   * along: the system prompt, what computes, and who answers.
   */
  select(model: SiteModel): Promise<void> {
    this.#choice.remember(model);
    return this.#turnTo(model);
  }

  async #turnTo(model: SiteModel): Promise<void> {
    if (model.id === this.model.id) return;
    this.#close();
    const { systemPrompt, device, answers } = this.store.load();
    this.#chosen = this.#open(model);
    const settings = { ...this.store.load(), systemPrompt, device, answers };
    this.store.save(settings);
    this.#settings = { ...settings, ...deviceOf(location.search) };
    this.#wasCutOff = false;
    this.#chooser.show(model);
    this.#card.describe(model);
    await this.#runLatest("checking", async () => { /* what runs ends first */ });
    if (this.model === model) await this.open(!this.#hasNoGpu);
  }

  start(): Promise<void> {
    this.#wasCutOff = false;
    return this.#runLatest("loading", () => this.#load());
  }

  delete(): Promise<void> {
    return this.#runLatest("deleting", async () => {
      this.#card.deleting();
      try {
        await this.#host.forget();
        if (await this.#host.isStored()) throw new Error("Its files are still there.");
      } catch (error) {
        this.fail(deletionFailed(error));
        return;
      }
      await this.#offer();
    });
  }

  /** Take new settings. A context of another length needs a new start, which waits for the end of an answer. */
  change(settings: Settings): void {
    this.#settings = settings;
    if (this.#status === "ready") this.#settle();
    else this.#task.show(this.#status);
  }

  /** Of a text, for the model; undefined while it is not there. */
  async countTokens(text: string): Promise<number | undefined> {
    const tokens = await this.#host.ready?.encodePrompt({ kind: "text", text }, undefined).catch(() => undefined);
    return tokens?.length;
  }

  /** Ask it something that nobody waits for; what becomes of that stays without effect here. */
  async aside(turns: readonly Turn[], settings: Settings, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<void> {
    await this.#host.aside(turns, settings, signal, onPiece).catch(() => undefined);
  }

  /** Who answers what other pages ask. */
  get host(): ModelHost | undefined {
    return this.#host.ready;
  }

  /** The same, for requests that name a model: another of the site's may be ready in another page. */
  hostFor(id: string | undefined): ModelHost | undefined {
    return this.#config.models.some((model) => model.id === id && model !== this.model) ? undefined : this.host;
  }

  /** Let the engine work on one request. onEnd is called once, before the status changes; what goes wrong is shown. */
  async run(request: (engine: EngineHost, signal: AbortSignal) => Promise<Outcome>, onEnd: (outcome: Outcome) => void): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    this.#problem.hide();
    this.#setStatus("answering");
    let problem: Problem | undefined;
    try {
      const outcome = await request(this.#host, controller.signal);
      onEnd(outcome);
      this.#noteSpeed(outcome);
      askToKeep();
    } catch (error) {
      if (!(error instanceof AbortError)) problem = describeProblem(error, "answer");
      onEnd({ ending: problem === undefined ? "abort" : "failed", speed: undefined });
    }
    if (this.#running !== controller) return; // the engine was ended meanwhile
    this.#running = undefined;
    if (problem === undefined) this.#settle();
    else this.fail(problem);
  }

  /** End the request that runs or waits. */
  stop(): void {
    this.#running?.abort();
  }

  /** Show a problem; a fatal one ends the engine. */
  fail(problem: Problem): void {
    if (problem.fatal) {
      this.#close();
      this.#card.hide();
      this.#setStatus("failed");
      lookForUpdate();
    } else if (!this.#host.runsWith(this.#settings)) {
      void this.start();
      return;
    } else {
      this.#setStatus("ready");
    }
    const ways = problem.ways.filter(({ action }) => (action !== "new" && action !== "leave-out") || this.#task.offers(action));
    this.#problem.show({ ...problem, ways });
  }

  hideProblem(): void {
    if (this.#status !== "failed") this.#problem.hide();
  }

  /** After the page was frozen, or came back from the browser's cache of pages: the engine may be gone. */
  async wake(): Promise<void> {
    if (this.#status !== "ready" && this.#status !== "answering") return;
    const turn = this.#turn;
    if (await this.#host.isAlive() || turn !== this.#turn) return;
    this.fail(describeProblem(new DeviceLostError("The engine does not answer any more."), "answer"));
  }

  /** End what runs, then do `work`, which shows what goes wrong itself. */
  #runLatest(status: Status, work: () => Promise<void>): Promise<void> {
    this.#close();
    this.#problem.hide();
    this.#setStatus(status);
    const turn = ++this.#turn;
    this.#last = this.#last.then(() => (turn === this.#turn ? work() : undefined));
    return this.#last;
  }

  #close(): void {
    this.#looking?.abort();
    this.#card.verdict("");
    const running = this.#running;
    this.#running = undefined;
    running?.abort();
    this.#host.close();
    byId("computer", HTMLElement).textContent = "";
  }

  async #load(): Promise<void> {
    const rate = new Rate(), turn = this.#turn, host = this.#host;
    const stored = await host.isStored();
    if (turn !== this.#turn) return;
    this.#card.loading(stored);
    try {
      await this.#starts.during(() => host.start(this.#settings, (report) => this.#onProgress(report, rate)));
    } catch (error) {
      // Whatever it is, also a stop that nobody here asked for: the model is not there, and starting it at once would end the same way.
      if (turn === this.#turn && this.#status === "loading") this.fail(describeProblem(error, "start"));
      return;
    }
    this.#card.hide();
    this.#tellStored();
    this.#settle(true);
  }

  /** Which of several models are on this device. */
  #tellStored(): void {
    if (this.isOneOfSeveral) for (const model of this.#config.models) void isHere(model).then((isStored) => this.#chooser.tell(model, { isStored }));
  }

  #cancelStart(): Promise<void> {
    return this.#runLatest("offer", () => this.#offer());
  }

  /** Wait for the user: nothing large is fetched unasked. */
  async #offer(): Promise<void> {
    const turn = this.#turn;
    const stored = await this.#host.isStored();
    if (turn !== this.#turn) return;
    this.#tellStored();
    this.#card.offer(stored, this.#wasCutOff, this.#hasNoGpu || this.#settings.device === "cpu");
    this.#setStatus("offer");
    if (!this.#wasCutOff) void this.#look();
    if (!stored) await this.#checkRoom();
  }

  /** Where the model does not fit into storage, the visitor chooses: a smaller one, room for this one, or to do without. */
  async #checkRoom(): Promise<void> {
    const turn = this.#turn, free = await freeBytes();
    if (turn !== this.#turn) return;
    if (free === undefined || free >= this.model.downloadBytes) return hideNotice("storage");
    this.#card.offerUnkept();
    const smaller = this.#config.models.filter(({ downloadBytes }) => downloadBytes <= free).sort((a, b) => b.downloadBytes - a.downloadBytes)[0];
    showNotice("storage", fill(WORDS.notice.storage, { size: formatBytes(free) }), [
      { label: WORDS.notice.makeRoom, press: openStorage },
      ...(smaller === undefined ? [] : [{ label: fill(WORDS.notice.takeSmaller, { name: smaller.name }), press: () => void this.select(smaller) }]),
    ]);
  }

  /** Something on this device was deleted. */
  lookAgain(): void {
    if (this.#status === "offer") void this.#cancelStart();
    else this.#tellStored();
  }

  /** Find out how the model would run here, and say it. Where nobody has chosen it and another one would do better, that is offered. */
  async #look(): Promise<void> {
    const { signal } = this.#looking = new AbortController();
    const { model } = this;
    const verdict = await this.#host.preflight(this.#settings, signal).then(
      (found) => judge(found, model, this.#config.models, this.#hasNoGpu), (error: unknown) => judgeFailure(error));
    if (signal.aborted || verdict === undefined) return;
    const { text, short, contextLength, better } = verdict;
    this.#chooser.tell(model, { verdict: short });
    if (better !== undefined && this.#choice.remembered === undefined) {
      await this.#turnTo(better);
      if (this.#status === "offer") this.#card.note(fill(WORDS.preflight.instead, { other: model.name, name: better.name }));
      return;
    }
    this.#card.verdict(text);
    if (contextLength !== undefined) this.#settings = { ...this.#settings, contextLength };
  }

  /** The engine has nothing to do: it is started anew where the settings ask for another one, else it is the task's turn. */
  #settle(isFresh = false): void {
    if (!this.#host.runsWith(this.#settings)) {
      void this.start();
      return;
    }
    this.#setStatus("ready");
    this.#task.ready(isFresh);
  }

  /** What sees pictures, or hears sounds, comes with the first of them. */
  #onSense({ phase, progress, sense }: InitProgressReport): void {
    hideNotice("sense");
    if (phase !== "ready") showNotice("sense", fill(sense === "hearing" ? WORDS.files.loadingHearing : WORDS.files.loadingSight, { percent: formatPercent(progress) }));
  }

  #onProgress({ phase, progress, bytesDone, bytesTotal, waitingKind, warningKind, computer }: InitProgressReport, rate: Rate): void {
    if (computer !== undefined) this.#runsOn(computer);
    const estimate = rate.sample(performance.now(), bytesDone, bytesTotal);
    this.#card.update({ phase, fraction: progress, bytesDone, bytesTotal, estimate, waiting: waitingKind });
    if (warningKind !== undefined) showNotice("storage", WORDS.warnings[warningKind], warningKind === "storage" ? { label: WORDS.notice.makeRoom, press: openStorage } : []);
  }

  /** Tells where it runs: after a start, and where a GPU was lost and an answer goes on elsewhere. */
  #runsOn(computer: Computer): void {
    if (this.#computer?.device === "gpu" && computer.device === "cpu" && this.#status !== "loading") {
      showNotice("computer", WORDS.notice.gpuLost);
    }
    this.#computer = computer;
    byId("computer", HTMLElement).textContent = this.#chosen.speeds.describe(computer);
  }

  #noteSpeed({ speed }: Outcome): void {
    if (speed === undefined || this.#computer === undefined) return;
    this.#chosen.speeds.note(this.#computer, speed);
    this.#runsOn(this.#computer);
  }

  /** While it answers, the request says it. */
  #lost(error: MLCEngineError): void {
    if (this.#status === "ready") this.fail(describeProblem(error, "answer"));
  }

  #resolve(action: ProblemAction): void {
    if (action === "start") void this.start();
    else if (action === "delete") void this.delete();
    else if (action === "reload") void loadNewest();
    else if (action === "dismiss") this.#problem.hide();
    else this.#task.resolve(action);
  }

  #setStatus(status: Status): void {
    this.#status = status;
    document.body.dataset["status"] = status;
    this.#task.show(status);
  }
}
