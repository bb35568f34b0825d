/**
 * A life of the step loop on a fake GPU: requests of each kind join, leave, are stopped, fail, run out of memory and lose their device, at any
 * moment. Each token is compared, as it comes, with what the same question alone is answered; pages are counted behind each operation; whoever
 * asked hears one end; and nothing stays taken.
 */

import assert from "node:assert/strict";
import { DraftModel } from "../../src/engine/draft_model.ts";
import { embed } from "../../src/engine/embedding.ts";
import type { DraftSource } from "../../src/engine/draft_source.ts";
import type { DraftCounts } from "../../src/engine/speculation.ts";
import type { FinishReason, Generation, GenerationListener } from "../../src/engine/generation.ts";
import { ProcessedAnswer } from "../../src/engine/logit_processor.ts";
import { Lookup } from "../../src/engine/lookup.ts";
import { Pictures, PromptVectors, type SeenPicture } from "../../src/engine/pictures.ts";
import { Sampler } from "../../src/engine/sampler.ts";
import { Scheduler, type Stop } from "../../src/engine/scheduler.ts";
import { SequenceManager } from "../../src/engine/sequences.ts";
import type { WasmAbi } from "../../src/executor/abi.generated.ts";
import type { RunnerShape, StepResult, TokenLogprobs } from "../../src/executor/runner.ts";
import { AbortError, DeviceLostError, OutOfMemoryError, QueueFullError } from "../../src/support/errors.ts";
import { Oracle } from "../fakes/drafts.ts";
import { promptOf, shapeOf } from "../fakes/generations.ts";
import { FakeRunner, Mismatch, pooled } from "../fakes/runner.ts";
import { FakeVision, picture } from "../fakes/vision.ts";
import { CountedPages } from "./counted_pages.ts";
import { FailingConstraint, Turning, plainAnswer, randomPrompt, randomQuestion, type Model, type Question } from "./question.ts";
import type { World } from "./world.ts";

class Injected extends Error {}

/** Tokens of each picture, where all must come in one call. */
const PICTURE_TOKENS = 6;
const PREFILL_CHUNK = 8;
const MOST_OPEN = 24;
/** Until whoever waits has ended, when nobody asks any more. */
const MOST_LAST_OPERATIONS = 100_000;

/** One GPU, and what runs on it. */
interface Machine {
  readonly pages: CountedPages;
  readonly runner: FakeRunner;
  readonly sequences: SequenceManager;
  readonly scheduler: Scheduler;
  isLost: boolean;
  isClosed: boolean;
}

type Alone = Generator<StepResult, "stop" | "length", undefined>;

/** Who asked, and hears of it. */
class Listener implements GenerationListener {
  readonly ids: number[] = [];
  readonly #alone: Alone;
  #next: IteratorResult<StepResult, "stop" | "length">;
  #hasBegun = false;
  isEnded = false;
  /** Called with each token; what it throws the answer fails with. */
  onToken: () => boolean = () => false;

  constructor(readonly question: Question, alone: Alone, readonly ended: (listener: Listener, error: unknown) => void) {
    this.#alone = alone;
    this.#next = alone.next();
  }

  begin(): void {
    assert.ok(!this.#hasBegun && !this.isEnded, "begins twice");
    this.#hasBegun = true;
  }

  token(token: number, logprobs?: TokenLogprobs): boolean {
    assert.ok(this.#hasBegun && !this.isEnded, "a token in front of the begin, or behind the end");
    const { value, done } = this.#next;
    if (done === true) assert.fail(`token ${token} comes behind the end of ${this.ids.join()}`);
    assert.equal(token, value.token, `the token behind ${this.ids.join()} of ${JSON.stringify({ ...this.question, eosTokenIds: [...this.question.eosTokenIds] })}`);
    assert.deepEqual(logprobs, value.logprobs);
    this.ids.push(token);
    this.#next = this.#alone.next();
    return this.onToken();
  }

  end(reason: FinishReason, cached: number, { drafted, accepted }: DraftCounts): void {
    if (reason !== "abort" && !this.wantsStop) assert.deepEqual([this.#next.done, this.#next.value], [true, reason], `it ends behind ${this.ids.join()}`);
    assert.ok(cached >= 0 && cached < this.question.prompt.length, `${cached} of ${this.question.prompt.length} tokens are cached`);
    assert.ok(accepted <= drafted && accepted <= this.ids.length, "accepted guesses");
    this.#close(null);
  }

  fail(error: unknown): void {
    this.#close(error);
  }

  /** Whether it ended itself by what `token` returned. */
  wantsStop = false;

  #close(error: unknown): void {
    assert.ok(!this.isEnded, "ends twice");
    this.isEnded = true;
    this.ended(this, error);
  }
}

export class StepLoopLife {
  readonly #world: World;
  readonly #makeKv: () => WasmAbi;
  readonly #shape: RunnerShape;
  readonly #maxPages: number;
  readonly #failures: number;
  readonly #revives: boolean;
  readonly #model: Model;
  /** Milliseconds. */
  readonly #speed: { readonly step: number; readonly row: number; readonly token: number; readonly latency: number };
  readonly #pictures = new Pictures();
  readonly #vision = new FakeVision();
  #seen: readonly SeenPicture[] = [];
  readonly #mayFail = (): void => { if (this.#world.chance(this.#failures)) throw new Injected("what is the request's own"); };
  readonly #processor = new Turning(this.#mayFail);
  readonly #machines: Machine[] = [];
  #machine: Machine;
  #isReviving = false;
  #orphans: readonly Generation[] = [];
  /** What came of questions, to be asked on. */
  readonly #known: number[][] = [promptOf(1, 3)];
  readonly #open = new Map<Listener, Stop>();
  #embedding = 0;
  readonly #constraints: FailingConstraint[] = [];
  /** What a fault of the checks themselves is; the loop hands on what listeners throw. */
  #fault: unknown;

  constructor(world: World, makeKv: () => WasmAbi) {
    this.#world = world;
    this.#makeKv = makeKv;
    const slots = world.pick([0, 0, 0, 4, 5, 20]);
    const windows = world.pick<readonly (number | null)[]>([[null], [null], [null, 8], [null, 1, 20]]);
    const seesWhole = world.chance(0.2);
    this.#shape = {
      ...shapeOf({
        contextLength: 96, pageSize: 4, prefillChunk: PREFILL_CHUNK, shortestChunk: world.pick([1, 4, 16]), rowCounts: world.pick([[1], [1, 2, 4, 8], [1, 4], [1, 8]]), slots,
        needsTokens: world.chance(0.2), wholePictures: seesWhole, longestAlike: world.chance(0.25) ? 10 + world.below(60) : undefined,
      }, windows),
      tokenMs: world.pick([undefined, 0.1, 20, 200]),
    };
    this.#maxPages = 24 + world.below(world.chance(0.5) ? 20 : 200);
    this.#failures = world.pick([0, 0, 0.002, 0.02]);
    this.#revives = world.chance(0.5);
    this.#model = { contextLength: this.#shape.contextLength, isNoisy: world.chance(0.7), isTurned: !seesWhole && world.chance(0.5) };
    this.#speed = { step: world.pick([0.05, 1, 5, 40]), row: world.pick([0, 0.01, 1]), token: world.pick([0.001, 0.1, 5]), latency: world.pick([0, 1, 4, 30]) };
    this.#vision.encoding = () => world.dare("picture", this.#failures, () => new Injected("a tile"), world.below(40));
    this.#machine = this.#start();
  }

  /** Looks at the pictures, before anything happens. */
  async prepare(): Promise<void> {
    const { wholePictures } = this.#shape;
    const texts = [1, 2, 3].map((name) => (wholePictures === true ? `${name}: ${PICTURE_TOKENS}` : `${name}: ${["4", "3 5", "9 9"][name - 1] ?? ""}`));
    this.#seen = await this.#pictures.see(texts.map((text) => ({ data: picture(text), path: text })), () => this.#vision, new AbortController().signal);
  }

  #start(): Machine {
    const world = this.#world;
    const runner = new FakeRunner(this.#shape, world.below(9), this.#maxPages);
    [runner.isNoisy, runner.isTurned, runner.pictureTokens] = [this.#model.isNoisy, this.#model.isTurned, PICTURE_TOKENS];
    const pages = new CountedPages(this.#makeKv(), this.#shape.groups.length);
    const sequences = new SequenceManager(pages.abi, runner);
    const lost = (): Error => {
      machine.isLost = true;
      return new DeviceLostError("the device is lost");
    };
    let [free, cost] = [0, 0];
    const open = new Set<Promise<unknown>>();
    let doubts = 0;
    /**
     * A call may be refused, with nothing written. Until the loop has read that, which it does behind the calls before it, others may be submitted
     * that find what is not there; their results count for nothing.
     */
    const submit = async <T>(milliseconds: number, call: () => Promise<T>): Promise<T> => {
      assert.ok(!machine.isClosed, "a model that was freed computes");
      if (world.chance(this.#failures / 4)) {
        doubts++;
        void Promise.allSettled([...open]).then(() => world.rest()).then(() => { doubts--; });
        throw new Injected("submit");
      }
      cost = milliseconds;
      const isDoubtful = doubts > 0;
      const done = call().catch((error: unknown) => { throw isDoubtful && error instanceof Mismatch ? new Injected(error.message) : error; });
      open.add(done);
      return done.finally(() => open.delete(done));
    };
    const finished = async (place: string): Promise<void> => {
      free = Math.max(free, world.now) + cost;
      await world.wait(place, free + this.#speed.latency - world.now, runner);
      if (machine.isLost || world.chance(this.#failures / 4)) throw lost();
      if (world.chance(this.#failures)) throw new Injected(place);
    };
    const fallible = async (place: string, probability: number): Promise<void> => {
      await world.dare(place, probability, () => world.pick([new Injected(place), lost()]), world.below(3));
      if (machine.isLost) throw lost();
    };
    runner.leaves = world.chance(0.5);
    runner.delay = () => finished("step");
    runner.chunkDelay = () => finished("chunk");
    runner.compiling = () => fallible("compile", world.pick([0, 0.2]));
    const { step, row, token } = this.#speed;
    const [reserve, prefill, sample, decode, encode] = [runner.reservePages.bind(runner), runner.prefill.bind(runner), runner.prefillAndSample.bind(runner), runner.decode.bind(runner), runner.encode.bind(runner)];
    runner.reservePages = async (...room) => { await fallible("reserve", this.#failures); return reserve(...room); };
    runner.prefill = (...given) => submit(step + token * given[0].length, () => prefill(...given));
    runner.prefillAndSample = (...given) => submit(step + token * given[0].length, () => sample(...given));
    runner.encode = (...given) => submit(step + token * given[0].length, () => encode(...given));
    runner.decode = (rows, carried) => submit(step + row * rows.length, () => decode(rows, carried));
    const scheduler = new Scheduler(runner, sequences, 1 + world.below(8), this.#revives ? (_, left) => { void this.#revive(machine, left); } : undefined);
    const machine: Machine = { pages, runner, sequences, scheduler, isLost: false, isClosed: false };
    this.#machines.push(machine);
    return machine;
  }

  /** Another device goes on with what is left. */
  async #revive(lost: Machine, left: readonly Generation[]): Promise<void> {
    [this.#isReviving, this.#orphans, lost.isClosed] = [true, left, true];
    await this.#world.wait("revive", this.#world.below(100));
    this.#isReviving = false;
    this.#machine = this.#start();
    this.#machine.scheduler.adopt(this.#orphans);
    this.#orphans = [];
  }

  /** One operation: somebody asks or stops, or whoever waits goes on. */
  async operate(asks: number): Promise<void> {
    const world = this.#world;
    if (!world.isIdle && !world.chance(asks)) world.next();
    else this.#act();
    await world.settle();
    this.check();
  }

  #act(): void {
    const world = this.#world;
    const { scheduler, sequences } = this.#machine;
    const kind = world.below(100);
    if (kind < 70) this.#ask();
    else if (kind < 76) this.#embed();
    else if (kind < 90) this.#stop();
    else if (kind < 92) this.#interrupt();
    else if (kind < 95) {
      world.note("forget");
      sequences.forget();
    } else if (kind < 96 && this.#revives) {
      world.note("lose");
      this.#machine.isLost = true;
    } else if (kind < 97 && !this.#isReviving) {
      world.note("unload");
      scheduler.close(new AbortError("unloaded"));
      this.#machine.isClosed = true;
      this.#machine = this.#start();
    }
  }

  #stop(): void {
    if (this.#open.size === 0) return;
    this.#world.note("stop");
    this.#world.pick([...this.#open.values()])();
  }

  #interrupt(): void {
    this.#world.note("interrupt");
    this.#machine.scheduler.interrupt();
    for (const orphan of this.#orphans) orphan.end("abort");
  }

  #prompt(): { prompt: number[]; pictures: SeenPicture[] } {
    const world = this.#world;
    let prompt = randomPrompt(world, this.#known, this.#shape.contextLength - 2);
    if (world.chance(0.15)) {
      const { first, tokens } = world.pick(this.#seen);
      const shown = [...prompt, 1, ...Array.from({ length: tokens }, (_, i) => first - i), ...promptOf(1 + world.below(4), 2)];
      if (shown.length < this.#shape.contextLength - 2) prompt = shown;
    }
    if (prompt.length === 0) prompt = promptOf(1, 3);
    return { prompt, pictures: this.#seen.filter(({ first, tokens }) => prompt.some((id) => id <= first && id > first - tokens)) };
  }

  #ask(): void {
    const world = this.#world;
    if (this.#isReviving || this.#open.size >= MOST_OPEN) return;
    world.note("ask");
    const { prompt, pictures } = this.#prompt();
    const question = randomQuestion(world, prompt, pictures, this.#shape.contextLength);
    const count = world.chance(0.15) ? 1 + world.below(3) : 1; // several answers to one prompt
    for (let choice = 0; choice < count; choice++) this.#add(question);
  }

  #add(question: Question): void {
    const world = this.#world;
    const listener = new Listener(question, plainAnswer(question, this.#model), (one, error) => this.#ended(one, error));
    const stopAt = world.chance(0.15) ? world.below(12) : Infinity;
    const kind = world.pick(["stop", "end", "throw", "ask", "forget"] as const);
    listener.onToken = () => {
      if (listener.ids.length < stopAt) return false;
      if (kind === "stop") this.#open.get(listener)?.();
      else if (kind === "throw") throw new Injected("a listener's own");
      else if (kind === "forget") this.#machine.sequences.forget();
      else if (kind === "ask") this.#ask();
      listener.wantsStop = kind === "end";
      return listener.wantsStop;
    };
    const { prompt, choices, pictures, maxTokens, eosTokenIds, sampling, shifts, priority } = question;
    const constraint = choices && new FailingConstraint(choices, this.#mayFail);
    if (constraint !== undefined) this.#constraints.push(constraint);
    const sampler = new Sampler(sampling, prompt, 0, question.isProcessed ? new ProcessedAnswer(this.#processor, false) : undefined);
    const vectors = pictures.length > 0 ? new PromptVectors(this.#pictures, pictures, () => this.#vision) : undefined;
    try {
      const stop = this.#machine.scheduler.add({ prompt, maxTokens, eosTokenIds, sampler, shifts, priority, constraint, vectors, drafts: this.#drafts(question) }, listener);
      if (!listener.isEnded) this.#open.set(listener, stop);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      constraint?.dispose();
    }
  }

  /** Who guesses: a lookup, one that mostly knows, a smaller model. */
  #drafts(question: Question): DraftSource[] {
    const world = this.#world;
    const sources: DraftSource[] = world.chance(0.6) ? [new Lookup()] : [];
    if (world.chance(0.2)) sources.push(new Lookup(promptOf(30, world.below(5)), question.prompt.length));
    const errors = world.pick([0, 0.1, 0.6]);
    if (question.shifts || world.chance(0.4)) return sources;
    const answer = [...plainAnswer(question, this.#model)].map(({ token }) => token);
    const next = (tokens: readonly number[]): number => answer[tokens.length - question.prompt.length] ?? 0;
    const oracle = new Oracle(() => world.chance(errors), next);
    if (world.chance(0.5)) return [...sources, oracle];
    return [...sources, new DraftModel(async (tokens, count) => {
      await world.wait("draft", world.below(5));
      return world.chance(0.1) ? [] : oracle.propose(tokens, count);
    })];
  }

  #embed(): void {
    const world = this.#world;
    if (this.#isReviving || this.#embedding >= 4) return;
    world.note("embed");
    const prompts = Array.from({ length: 1 + world.below(3) }, () => randomPrompt(world, this.#known, this.#shape.contextLength - 2).filter((token) => token >= 0)).filter(({ length }) => length > 0);
    const pool = world.pick(["last", "mean"] as const);
    const controller = new AbortController();
    this.#embedding++;
    const work = embed(this.#machine.scheduler, prompts, this.#shape, pool, controller.signal).then(({ vectors }) => {
      for (const [i, vector] of vectors.entries()) {
        const { last, sum } = pooled(prompts[i] ?? [], 0);
        const expected = pool === "last" ? last : sum.map((value) => value / (prompts[i]?.length ?? 1));
        assert.ok(vector.every((value, at) => Math.abs(value - (expected[at] ?? NaN)) < 1e-3), `the vector of ${String(prompts[i])}: ${String(vector)}, not ${String(expected)}`);
      }
    });
    work.catch((error: unknown) => { this.#isExpected(error); }).finally(() => { this.#embedding--; });
    if (world.chance(0.2)) void world.wait("abort", world.below(20)).then(() => controller.abort());
  }

  #ended(listener: Listener, error: unknown): void {
    this.#open.delete(listener);
    if (error !== null) this.#isExpected(error);
    else if (listener.ids.length > 0 && this.#known.push([...listener.question.prompt, ...listener.ids].slice(0, this.#shape.contextLength)) > 20) this.#known.shift();
  }

  #isExpected(error: unknown): void {
    if (error instanceof Injected || error instanceof OutOfMemoryError || error instanceof DeviceLostError || error instanceof AbortError || error instanceof QueueFullError) return;
    this.#fault ??= error;
  }

  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
    this.#machine.pages.check();
  }

  /** Nobody asks any more: all must end, and all be given back. */
  async end(): Promise<void> {
    const world = this.#world;
    const isOver = (): boolean => world.isIdle && this.#open.size === 0 && this.#embedding === 0 && !this.#isReviving && !this.#machine.scheduler.isBusy;
    for (let count = 0; !isOver(); count++) {
      assert.ok(count < MOST_LAST_OPERATIONS, "it goes on for ever");
      if (world.isIdle) {
        await world.rest();
        assert.ok(!world.isIdle || isOver(), `${this.#open.size} answers and ${this.#embedding} embeddings hang`);
      }
      world.next();
      await world.settle();
      this.check();
    }
    await world.rest();
    this.#machine.sequences.forget();
    this.check();
    assert.equal(this.#machine.pages.sequences, 0, "sequences that nobody has");
    assert.ok(this.#constraints.every(({ isDisposed }) => isDisposed), "a constraint is kept");
  }
}
