/**
 * The step loop: it alone drives the runner. Requests are added, steps are submitted, tokens are handed on as they are read; nobody's
 * reading is waited for. It knows tokens, the cache and a runner; not text, and not the GPU.
 */

import type { ModelRunner, StepResult, TokenLogprobs } from "../executor/runner.ts";
import { InternalError } from "../support/errors.ts";
import type { Constraint } from "./constraint.ts";
import { ChunkLength, ChunkWatch, MAX_DEPTH, PipelineDepth } from "./pace.ts";
import type { Sampler } from "./sampler.ts";
import type { Sequence, SequenceManager } from "./sequences.ts";

export const FINISH_REASONS = ["stop", "length", "abort"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

export interface GenerationRequest {
  /** Shorter than the context. */
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly sampler: Sampler;
  /** What may come; the generation disposes of it when it ends. */
  readonly constraint?: Constraint | undefined;
}

/** Who hears of a generation. Every generation that was added ends with one call of `end` or `fail`, and no call comes after it. */
export interface GenerationListener {
  /** Its turn has come; `cached` tokens of the prompt were in the cache already. */
  begin(cached: number): void;
  /** The next token, an end token too. Returns whether the answer ends with it. */
  token(token: number, logprobs?: TokenLogprobs): boolean;
  end(reason: FinishReason): void;
  fail(error: unknown): void;
}

/** A request, and how far it has come. */
class Generation {
  sequence: Sequence | null = null;
  /** Its slot for penalties and biases. */
  control = 0;
  isEnded = false;
  /** Tokens that may come, known when the prompt is in the cache. */
  limit = 0;
  /** Tokens sampled by steps that were submitted, and those of them that were read. */
  submitted = 0;
  read = 0;
  /** The token read last, while no step that adds it to the cache is under way. */
  latest: number | null = null;
  /** Whether the cache has room for that token. */
  hasRoom = false;

  constructor(readonly request: GenerationRequest, readonly listener: GenerationListener) {}

  end(reason: FinishReason): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.listener.end(reason);
  }

  fail(error: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.listener.fail(error);
  }
}

/** Ends a generation with "abort", at once. */
export type Stop = () => void;

/** A step under way. */
interface Flight {
  readonly rows: readonly Generation[];
  readonly results: Promise<readonly StepResult[]>;
}

export class Scheduler {
  readonly #runner: ModelRunner;
  readonly #sequences: SequenceManager;
  /** Generations that may run at a time. */
  readonly #rows: number;
  readonly #waiting: Generation[] = [];
  #running: Generation[] = [];
  /** Steps in the order of their submission; those of ended generations stay until they are done. */
  readonly #inFlight: Flight[] = [];
  /** Whose tokens, sampled last, lie in the rows of the runner. */
  #onRunner: readonly Generation[] = [];
  readonly #depth = new PipelineDepth();
  readonly #chunk: ChunkLength;
  #isDriving = false;
  #closed: Error | null = null;

  constructor(runner: ModelRunner, sequences: SequenceManager, rows = 1) {
    this.#runner = runner;
    this.#sequences = sequences;
    this.#rows = rows;
    this.#chunk = new ChunkLength(runner.shape);
  }

  get #isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Adds a generation behind those that wait. */
  add(request: GenerationRequest, listener: GenerationListener): Stop {
    const generation = new Generation(request, listener);
    if (this.#closed === null) this.#waiting.push(generation);
    else generation.fail(this.#closed);
    if (!this.#isDriving) void this.#drive();
    return () => generation.end("abort");
  }

  /** Ends what runs with "abort". What waits is not touched. */
  interrupt(): void {
    for (const generation of this.#running) generation.end("abort");
  }

  /** Ends what runs with "abort", fails what waits, and submits no more. */
  close(error: Error): void {
    this.#closed = error;
    this.interrupt();
    for (const generation of this.#waiting.splice(0)) generation.fail(error);
  }

  /** Runs while there is work. */
  async #drive(): Promise<void> {
    this.#isDriving = true;
    await Promise.resolve(); // so that a listener hears nothing before `add` has returned
    while (!this.#isClosed) {
      this.#retire();
      await this.#admit();
      await this.#submitAhead();
      if (this.#inFlight.length > 0) await this.#read();
      else if (this.#waiting.length === 0 && this.#running.every(({ isEnded }) => isEnded)) break;
    }
    if (!this.#isClosed) this.#retire();
    this.#isDriving = false;
  }

  /**
   * Gives back the sequences of what has ended. Steps still in flight write to pages that are free now; what takes such a page next is
   * submitted behind them.
   */
  #retire(): void {
    const ended = this.#running.filter(({ isEnded }) => isEnded);
    if (ended.length === 0) return;
    this.#running = this.#running.filter(({ isEnded }) => !isEnded);
    for (const { sequence } of ended) if (sequence !== null) this.#sequences.release(sequence);
  }

  async #admit(): Promise<void> {
    while (this.#running.length < this.#rows && !this.#isClosed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.isEnded) continue;
      for (next.control = 0; this.#running.some(({ control }) => control === next.control);) next.control++;
      this.#running.push(next);
      await this.#guard([next], () => this.#prefill(next));
    }
  }

  /** Brings the prompt into the cache, in chunks, two of them under way, but for what is there already, and samples the first token. */
  async #prefill(generation: Generation): Promise<void> {
    const { prompt, maxTokens, sampler } = generation.request;
    const { contextLength } = this.#runner.shape;
    const sequence = generation.sequence = this.#sequences.acquire(prompt);
    generation.limit = Math.min(maxTokens, contextLength - prompt.length);
    generation.listener.begin(sequence.tokens.length);
    const watch = new ChunkWatch(this.#chunk);
    let before: Promise<void> = Promise.resolve(); // the chunk before, still under way: the GPU never waits for the CPU
    while (!generation.isEnded) {
      const position = sequence.tokens.length;
      const chunk = prompt.slice(position, position + this.#chunk.value);
      await this.#sequences.append(sequence, chunk.length);
      const isLast = position + chunk.length === prompt.length;
      if (isLast) while (this.#inFlight.length > MAX_DEPTH) await this.#read(); // the runner has room for so many results
      if (generation.isEnded || this.#isClosed) return;
      const [cache] = this.#sequences.views([sequence]);
      if (cache === undefined) throw new InternalError("a sequence has no view");
      if (isLast) {
        const first = watch.timed(chunk.length, this.#runner.prefillAndSample(chunk, position, cache, { ...sampler.next(), control: generation.control }));
        this.#onRunner = [generation];
        generation.submitted = 1;
        this.#depth.pause();
        this.#push([generation], first.then((result) => [result]));
      }
      sequence.commit(chunk);
      if (isLast) return;
      const done = ignoreRejection(watch.timed(chunk.length, this.#runner.prefill(chunk, position, cache)));
      await (this.#chunk.isMeasured ? before : done);
      before = done;
    }
  }

  /** Submits steps until as many are in flight as keep the GPU busy. */
  async #submitAhead(): Promise<void> {
    while (this.#inFlight.length < this.#depth.value && !this.#isClosed) {
      const rows = this.#running.filter((row) => !row.isEnded && row.submitted < row.limit);
      const isAhead = rows.length === this.#onRunner.length && rows.every((row, i) => row === this.#onRunner[i]);
      if (rows.length === 0 || (!isAhead && rows.some(({ latest }) => latest === null))) return; // tokens must be read first
      for (const row of rows) await this.#guard([row], () => this.#makeRoom(row));
      if (rows.some(({ isEnded }) => isEnded) || this.#isClosed) continue;
      this.#submit(rows, isAhead);
    }
  }

  async #makeRoom(row: Generation): Promise<void> {
    if (row.sequence === null || row.hasRoom) return;
    await this.#sequences.append(row.sequence, 1);
    row.hasRoom = true;
  }

  /** One step: the runner knows the rows' tokens where `isAhead`, else they were read and are given. */
  #submit(rows: readonly Generation[], isAhead: boolean): void {
    const sequences = rows.flatMap(({ sequence }) => sequence ?? []);
    const views = this.#sequences.views(sequences);
    const step = rows.flatMap(({ request, latest, control }, i) => {
      const [cache, sequence] = [views[i], sequences[i]];
      if (cache === undefined || sequence === undefined) return [];
      const token = isAhead || latest === null ? undefined : latest;
      return [{ position: this.#sequences.length(sequence) - 1, cache, ...request.sampler.next(), control, token }];
    });
    for (const row of rows) {
      if (row.latest !== null) row.sequence?.commit([row.latest]);
      row.latest = null;
      row.hasRoom = false;
      row.submitted++;
    }
    this.#onRunner = rows;
    this.#push(rows, (async () => this.#runner.decode(step))()); // what it throws comes with its result
  }

  #push(rows: readonly Generation[], results: Promise<readonly StepResult[]>): void {
    this.#inFlight.push({ rows, results: ignoreRejection(results) });
  }

  /** Waits for the oldest step and hands its tokens on. */
  async #read(): Promise<void> {
    const flight = this.#inFlight.shift();
    if (flight === undefined) return;
    await this.#guard(flight.rows, async () => {
      const results = await flight.results;
      this.#depth.tokenRead(performance.now());
      flight.rows.forEach((row, i) => {
        const result = results[i];
        if (result === undefined) throw new InternalError("a step has fewer results than rows");
        if (!row.isEnded) this.#accept(row, result);
      });
    });
  }

  #accept(row: Generation, { token, logprobs }: StepResult): void {
    row.read++;
    if (row.submitted > row.read) row.sequence?.commit([token]);
    else row.latest = token;
    const isEnd = row.listener.token(token, logprobs) || row.request.eosTokenIds.has(token);
    if (isEnd) row.end("stop");
    else if (row.read >= row.limit) row.end("length");
  }

  /** What fails here fails these generations, and the loop goes on. */
  async #guard(rows: readonly Generation[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      for (const row of rows) {
        row.fail(error);
        if (row.sequence !== null) row.sequence.isForgotten = true; // nobody knows what its cache holds
      }
    }
  }
}

/** Lets a promise fail unseen where nobody awaits it: a step beyond the end. */
function ignoreRejection<T>(step: Promise<T>): Promise<T> {
  step.catch(() => undefined);
  return step;
}
