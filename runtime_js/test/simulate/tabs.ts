/**
 * A life of tabs that share an engine behind workers: messages take their time, whoever holds the models dies at any moment, and tabs ask, leave, load and
 * unload. An answer that comes whole is what it is alone, told once; what ends early is a beginning of it; and nothing that was asked stays open.
 */

import assert from "node:assert/strict";
import type { HostListener, LoadCall } from "../../src/api/host.ts";
import { Tenants } from "../../src/api/tenants.ts";
import type { AnswerRequest } from "../../src/engine/answer.ts";
import { DeviceLostError, MLCEngineError } from "../../src/support/errors.ts";
import { RemoteHost } from "../../src/transport/remote_host.ts";
import { RevivingHost } from "../../src/transport/reviving_host.ts";
import { WebWorkerMLCEngineHandler } from "../../src/transport/worker.ts";
import type { WorkerLike } from "../../src/transport/worker_like.ts";
import { CONFIG, FakeEngine, MODEL, fakeTokenizer } from "../fakes/engine.ts";
import { promptOf } from "../fakes/generations.ts";
import { plainAnswer } from "./question.ts";
import type { World } from "./world.ts";

const LOAD: LoadCall = { choices: [{ modelId: MODEL, source: { manifest: "https://models.example/toy.json" } }], keepsOthers: true };
const NOBODY: HostListener = { progress: () => undefined, deviceLost: () => undefined };
const MOST_OPEN = 12;
const MOST_LAST_OPERATIONS = 100_000;

/** Who holds the models, for all tabs. */
interface Home {
  readonly engine: FakeEngine;
  readonly tenants: Tenants;
  /** Tells those who are connected that it is gone. */
  readonly tell: (() => void)[];
  isDead: boolean;
}

/** A worker whose messages come in their order, some time later; none comes of one that is dead, or to it. */
class Wire extends EventTarget implements WorkerLike {
  readonly #world: World;
  readonly #home: Home;
  readonly #handler: WebWorkerMLCEngineHandler;
  readonly #there = {};
  readonly #back = {};
  #isTerminated = false;

  constructor(world: World, home: Home) {
    super();
    [this.#world, this.#home] = [world, home];
    let leave = (): void => undefined;
    this.#handler = new WebWorkerMLCEngineHandler(
      (message) => this.#send(message, this.#back, (data) => this.dispatchEvent(new MessageEvent("message", { data }))),
      (listener) => {
        const tenant = home.tenants.enter(listener);
        leave = () => void tenant.leave();
        return tenant;
      });
    this.terminate = () => {
      if (!this.#isTerminated && !home.isDead) leave();
      this.#isTerminated = true;
    };
  }

  terminate: () => void;

  #send(message: unknown, line: object, deliver: (data: unknown) => void): void {
    const data: unknown = structuredClone(message);
    void this.#world.wait("message", this.#world.below(4), line).then(() => {
      if (!this.#isTerminated && !this.#home.isDead) deliver(data);
    });
  }

  postMessage(message: unknown): void {
    this.#send(message, this.#there, (data) => this.#handler.onmessage({ data }));
  }
}

export class TabsLife {
  readonly #world: World;
  readonly #tabs: RevivingHost[];
  readonly #isNoisy: boolean;
  readonly #tokenizer = fakeTokenizer();
  readonly #homes: Home[] = [];
  #home: Home | undefined;
  #open = 0;
  #fault: unknown;

  constructor(world: World) {
    this.#world = world;
    this.#isNoisy = world.chance(0.5);
    this.#tabs = Array.from({ length: 1 + world.below(3) }, () => this.#tab());
    for (const tab of this.#tabs) this.#ask("load", () => tab.load(LOAD));
  }

  #start(): Home {
    const world = this.#world;
    const engine = new FakeEngine(CONFIG);
    engine.loading = () => world.wait("load", world.below(20));
    engine.prepare = (runner) => {
      runner.isNoisy = this.#isNoisy;
      runner.delay = () => world.wait("step", 1, runner);
      runner.compiling = () => world.wait("compile", world.below(5));
    };
    const home: Home = { engine, tenants: new Tenants(engine.host), tell: [], isDead: false };
    this.#homes.push(home);
    return home;
  }

  #tab(): RevivingHost {
    const world = this.#world;
    return new RevivingHost(NOBODY, async (listener, lose, gone) => {
      await world.wait("connect", world.below(10));
      const home = this.#home ??= this.#start();
      home.tell.push(() => lose());
      return RemoteHost.until(gone, new Wire(world, home), listener, lose);
    });
  }

  async prepare(): Promise<void> {}

  async operate(asks: number): Promise<void> {
    const world = this.#world;
    if (!world.isIdle && !world.chance(asks / 4)) world.next();
    else this.#act();
    await world.settle();
    if (this.#fault !== undefined) throw this.#fault;
  }

  #act(): void {
    const world = this.#world;
    const tab = world.pick(this.#tabs);
    const kind = world.below(100);
    if (kind < 60) this.#answer(tab);
    else if (kind < 66) this.#die();
    else if (kind < 76) this.#ask("load", () => tab.load(LOAD, this.#signal()));
    else if (kind < 79) this.#ask("unload", () => tab.unload(MODEL));
    else if (kind < 83) this.#ask("interrupt", () => tab.interruptGenerate());
    else if (kind < 87) this.#ask("forget", () => tab.forgetConversations(MODEL));
    else if (kind < 94) this.#ask("encode", async () => assert.deepEqual(await tab.encodePrompt({ kind: "text", text: "hi there" }, MODEL), this.#tokenizer.encodeText("hi there")));
    else if (kind < 97) this.#ask("models", () => tab.loadedModels());
    else {
      world.note("close");
      tab.terminate();
      const next = this.#tabs[this.#tabs.indexOf(tab)] = this.#tab();
      this.#ask("load", () => next.load(LOAD));
    }
  }

  /** Who holds the models is gone without a word, which tabs notice some time later. */
  #die(): void {
    const world = this.#world;
    if (this.#home === undefined) return;
    world.note("die");
    const { tell } = this.#home;
    this.#home.isDead = true;
    this.#home = undefined;
    for (const lose of tell) void world.wait("lose", world.below(10)).then(lose);
  }

  #signal(): AbortSignal | undefined {
    const world = this.#world;
    if (world.chance(0.8)) return undefined;
    const controller = new AbortController();
    void world.wait("abort", world.below(30)).then(() => controller.abort());
    return controller.signal;
  }

  /** It may succeed, or be refused with an error of ours. */
  #ask(what: string, work: () => Promise<unknown>): void {
    if (this.#open >= MOST_OPEN) return;
    this.#world.note(what);
    this.#open++;
    work().catch((error: unknown) => {
      const isOurs = error instanceof MLCEngineError && error.code !== "Internal" && error.code !== "Protocol";
      if (!isOurs && !(error instanceof DeviceLostError)) this.#fault ??= error;
    }).finally(() => { this.#open--; });
  }

  #answer(tab: RevivingHost): void {
    const world = this.#world;
    const prompt = promptOf(1 + world.below(40), world.below(4));
    const sampling = { temperature: world.chance(0.5) ? 0.8 : 0, seed: world.below(3), topP: 1, ...(world.chance(0.3) && { topLogprobs: world.below(2) }) };
    const maxTokens = 1 + world.below(40);
    const model = { contextLength: 256, isNoisy: this.#isNoisy, isTurned: false };
    const question = { prompt, maxTokens, eosTokenIds: new Set<number>(), sampling, choices: undefined, shifts: false, isProcessed: false, pictures: [], priority: 0 };
    const ids = [...plainAnswer(question, model)].map(({ token }) => token);
    const detokenizer = this.#tokenizer.detokenizer();
    const text = ids.map((id) => detokenizer.push(id)).join("");
    const request: AnswerRequest = { prompt: { kind: "tokens", tokens: prompt }, sampling, stop: [], maxTokens };
    const leaveAfter = world.chance(0.2) ? world.below(10) : Infinity;
    this.#ask("ask", async () => {
      const { events } = await tab.begin({ request, model: undefined }, this.#signal());
      let [said, count, told, isEnded] = ["", 0, 0, false];
      for await (const event of events) {
        assert.ok(!isEnded, "an event behind the end");
        if (event.type === "text") said += event.text;
        assert.ok(text.startsWith(said), `${said} is no beginning of ${text}`);
        if (event.type === "token") assert.equal(event.token, ids[told++], "a token that is told");
        if (event.type === "end") {
          isEnded = true;
          assert.deepEqual([event.tokens.prompt, event.tokens.cached <= prompt.length], [prompt.length, true]);
          if (event.finishReason === "length") assert.deepEqual([said, event.tokens.completion], [text, maxTokens]);
          else assert.equal(event.finishReason, "abort");
        }
        if (++count === leaveAfter) return world.chance(0.5) ? events.cancel() : undefined;
      }
      assert.ok(isEnded, "an answer without an end");
    });
  }

  async end(): Promise<void> {
    const world = this.#world;
    for (let count = 0; this.#open > 0 || !world.isIdle; count++) {
      assert.ok(count < MOST_LAST_OPERATIONS, "it goes on for ever");
      if (world.isIdle) {
        await world.rest();
        assert.ok(!world.isIdle || this.#open === 0, `${this.#open} calls hang`);
      }
      world.next();
      await world.settle();
      if (this.#fault !== undefined) throw this.#fault;
    }
    for (const tab of this.#tabs) tab.terminate();
    for (let count = 0; count < 10 || !world.isIdle; count++) {
      world.next();
      await world.rest();
    }
    const left = this.#homes.filter(({ isDead }) => !isDead).map(({ engine }) => engine.alive);
    assert.deepEqual(left.filter((alive) => alive > 0), [], "models that nobody has are kept");
  }
}
