/**
 * The step loop: it alone drives the runner. Requests join and leave it; prompts come into the cache in chunks between the steps of others.
 * Steps are submitted, tokens are handed on as they are read; nobody's reading is waited for. It knows tokens, the cache and a runner; not
 * text, and not the GPU.
 */

import type { CacheView, ModelRunner, Row, StepResult, TokenVectors } from "../executor/runner.ts";
import { AbortError, InternalError, type MLCEngineError } from "../support/errors.ts";
import { isLoss, type Flight } from "./flight.ts";
import { Generation, type GenerationListener, type GenerationRequest, type StateListener } from "./generation.ts";
import { CHUNK_MS, ChunkLength, ChunkWatch, EFFICIENT_CHUNK, MAX_DEPTH, PAUSE_MS, StepPace } from "./pace.ts";
import { PreparedRows } from "./prepared_rows.ts";
import { rowsComputed } from "./rows.ts";
import { JUMP_ROWS, jumpRows, planStep, rowsWanted, type StepContext, type StepRow, type StepRows } from "./step.ts";
import { wholeEnd } from "./whole_pictures.ts";
import type { Sequence, SequenceManager } from "./sequences.ts";
import { Turns } from "./turns.ts";

/** Ends a generation with "abort", at once. */
export type Stop = () => void;

/** Takes the generations of a step loop whose runner is lost, to be adopted by another. */
export type Heir = (error: MLCEngineError, generations: readonly Generation[]) => void;

export class Scheduler {
  readonly #runner: ModelRunner;
  readonly #sequences: SequenceManager;
  /** Generations that may run at a time. */
  #rows: number;
  readonly #prepared: PreparedRows;
  readonly #turns: Turns;
  /** Steps and chunks in the order of their submission; those of ended generations stay until they are done. */
  readonly #inFlight: Flight[] = [];
  /** Whose tokens, sampled last, lie in the rows of the runner. */
  #onRunner: readonly (Generation | null)[] = [];
  #wasChunk = false;
  #steps = 0;
  #chunks = 0;
  readonly #pace = new StepPace();
  /** What bounds a chunk of a prompt that comes alone, and of one that others wait for between their tokens. */
  readonly #alone: readonly [ChunkLength];
  readonly #beside: readonly [ChunkLength, ChunkLength];
  #watch: ChunkWatch;
  #isDriving = false;
  /** Lets the loop go on where it waits for a draft. */
  #wake: () => void = () => undefined;
  #closed: Error | null = null;
  readonly #heir: Heir | undefined;

  constructor(runner: ModelRunner, sequences: SequenceManager, rows = Math.max(1, ...runner.shape.rowCounts), heir?: Heir) {
    [this.#runner, this.#sequences, this.#heir] = [runner, sequences, heir];
    this.#rows = Math.min(rows, sequences.mostRunning);
    this.#turns = new Turns(sequences);
    this.#prepared = new PreparedRows(runner);
    const long = new ChunkLength(runner.shape, CHUNK_MS, runner.shape.shortestChunk);
    this.#alone = [long];
    this.#beside = [long, new ChunkLength(runner.shape, PAUSE_MS, EFFICIENT_CHUNK)];
    this.#watch = new ChunkWatch(this.#alone);
  }

  get #isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Whether anybody is answered, or waits. */
  get isBusy(): boolean {
    return this.#turns.isBusy;
  }

  /** Adds a generation behind those that wait. Raises QueueFullError where too many do. */
  add(request: GenerationRequest, listener: GenerationListener): Stop {
    const generation = new Generation(request, this.#runner.shape.contextLength, listener);
    if (this.#closed === null) this.#turns.add(generation);
    else generation.fail(this.#closed);
    if (!this.#isDriving) void this.#drive();
    this.#wake();
    return () => {
      generation.end("abort");
      this.#wake();
    };
  }

  /** Goes on with those of another step loop, in their order, of those with a logit processor with the one that its state is of. */
  adopt(generations: readonly Generation[]): void {
    this.#turns.adopt(generations);
    if (!this.#isDriving) void this.#drive();
  }

  /** Ends all that was asked so far with "abort", what runs and what waits. */
  interrupt(): void {
    this.#turns.interrupt();
    this.#wake();
  }

  /** Ends what runs with "abort", fails what waits, and submits no more. */
  close(error: Error): void {
    this.#closed = error;
    this.#turns.close(error);
    this.#wake();
  }

  async #drive(): Promise<void> {
    this.#isDriving = true;
    await Promise.resolve(); // so that a listener hears nothing before `add` has returned
    while (!this.#isClosed) {
      this.#turns.retire();
      this.#turns.shift();
      this.#turns.admit(this.#rows);
      this.#prepare(this.#rowsOfAnswers());
      while (await this.#submitNext());
      this.#prepare([rowsWanted(this.#turns.running, this.#runner.shape.rowCounts, this.#pace)]); // looks things up in the whole prompt, while the GPU works
      if (this.#inFlight.length > 0) await this.#read();
      else if (this.#turns.running.some(({ isAsking, isEnded }) => isAsking && !isEnded)) await this.#woken();
      else if (!this.#turns.isBusy) break;
    }
    if (!this.#isClosed) this.#turns.retire();
    this.#isDriving = false;
  }

  /** Has kernels compiled for steps of so many rows, while others go on. Where that fails, fewer run. */
  #prepare(wanted: readonly number[]): void {
    this.#prepared.prepare(wanted, () => { this.#rows = Math.min(this.#rows, this.#prepared.most); });
  }

  /** As many as run, and those that a grammar's jumps take. */
  #rowsOfAnswers(): number[] {
    const answers = this.#turns.running.filter(({ request }) => request.states === undefined).length;
    const jumps = this.#turns.running.some(({ request }) => request.constraint !== undefined) ? JUMP_ROWS : [];
    return [Math.min(answers, this.#rows), ...jumps];
  }

  /**
   * Submits a chunk or a step, where one is due: as many steps as keep the GPU busy; of a prompt that comes in alone, two chunks at a time;
   * where others go on meanwhile, chunks and steps in turn. Returns whether more may be due.
   */
  async #submitNext(): Promise<boolean> {
    if (this.#isClosed || this.#inFlight.length > MAX_DEPTH) return false; // the runner has room for so many results
    const running = this.#turns.running.filter(({ isEnded, isAsking }) => !isEnded && !isAsking);
    const [rows, prompts] = [running.filter((one) => this.#isRow(one)), running.filter((one) => this.#isPrompt(one))];
    const lengths = rows.length === 0 ? this.#alone : this.#beside;
    const chunks = this.#inFlight.filter(({ prompt }) => prompt !== null).length;
    const prompt = this.#nextPrompt(prompts);
    if (prompt !== undefined && chunks < (lengths[0].isMeasured ? 2 : 1) && (rows.length === 0 || !this.#wasChunk)) {
      await this.#guard([prompt], () => this.#submitChunk(prompt, lengths, chunks > 0));
      return true;
    }
    const samples = this.#inFlight.filter((flight) => flight.rows.length > 0).length;
    const isDue = prompts.length === 0 ? samples < this.#pace.depth : this.#wasChunk;
    return rows.length > 0 && isDue && this.#submitStep(rows);
  }

  /** Whether the next step samples a token for it. */
  #isRow(generation: Generation): boolean {
    const { sequence, position, request: { states } } = generation;
    if (sequence === null || position >= sequence.limit || states !== undefined) return false;
    return generation.isOnGpu ? generation.sampled < generation.limit : generation.pending === 1 && position > 0 && (generation.tokens.at(-1) ?? 0) >= 0;
  }

  #isPrompt(generation: Generation): boolean {
    return !generation.isOnGpu && !this.#isRow(generation); // one that was put back waits for what was under way
  }

  /** Of those with the highest priority, in turn the first and the one with the least to do: no short one waits for the end of a long one. */
  #nextPrompt(prompts: readonly Generation[]): Generation | undefined {
    const priority = Math.max(...prompts.map((prompt) => prompt.priority));
    const [first, ...others] = prompts.filter((prompt) => prompt.priority === priority);
    if (first === undefined || this.#chunks % 2 === 0) return first;
    return others.reduce((least, prompt) => (prompt.pending < least.pending ? prompt : least), first);
  }

  /** Brings the next part of the prompt into the cache, but for what is there already; the last one samples a token. */
  async #submitChunk(generation: Generation, lengths: readonly ChunkLength[], isBehindAnother: boolean): Promise<void> {
    const { tokens, request: { states } } = generation;
    const before = generation.sequence === null ? -1 : generation.position;
    const sequence = generation.sequence = this.#sequences.acquire(states?.needsAll === true ? [] : tokens, generation.sequence, tokens.length);
    if (generation.read === 0) generation.cached += sequence.tokens.length - Math.max(0, before);
    else if (sequence.tokens.length > before) generation.resume(); // penalties count what is there already
    if (this.#isRow(generation)) return;
    const position = sequence.tokens.length;
    // A state in a slot cannot be taken back: the last token of a prompt comes by a step, so that whoever asks the same again finds the one before it.
    const isInSteps = this.#runner.shape.slots > 0 && generation.read === 0 && states === undefined;
    const end = sequence.branch > position ? sequence.branch : isInSteps ? Math.max(position + 1, tokens.length - 1) : tokens.length;
    const most = Math.min(end, states?.isWhole === true ? end : position + Math.min(...lengths.map(({ value }) => value)));
    const chunk = tokens.slice(position, this.#runner.shape.wholePictures === true ? wholeEnd(tokens, position, most) : most);
    const vectors = this.#vectorsOf(generation, chunk);
    if (vectors === undefined || !await this.#turns.makeRoom(generation, chunk.length) || generation.isEnded || this.#isClosed) return;
    const cache = generation.turned(this.#view(generation), position, chunk.length);
    if (!isBehindAnother || !this.#watch.isOf(lengths)) this.#watch = new ChunkWatch(lengths);
    const isLast = position + chunk.length === tokens.length;
    const samples = isLast && states === undefined;
    const isWanted = this.#wanted(generation, sequence, position);
    const done = states !== undefined ? this.#encode(chunk, position, cache, states)
      : samples ? this.#sampleBehind(generation, chunk, position, cache, vectors, isWanted) : this.#runner.prefill(chunk, position, cache, vectors, isWanted).then(() => []);
    if (samples) generation.sampled++;
    this.#onRunner = samples ? [generation] : []; // its tokens take the place of those that were sampled
    this.#wasChunk = true;
    this.#chunks++;
    this.#pace.pause();
    this.#push({ rows: samples ? [generation] : [], prompt: generation, isEnd: isLast && !samples, computed: 1, isGuess: false, results: this.#watch.timed(chunk.length, done).catch((error) => this.#leftOf(generation, error)) });
    sequence.commit(chunk);
    if (states?.isWhole === true) this.#sequences.spoil(sequence);
    if ((isLast && generation.read === 0) || sequence.tokens.length === sequence.branch) this.#sequences.mark(sequence);
    this.#sequences.share(sequence);
    if (isLast && !samples) this.#turns.complete(generation);
  }

  /** Asks whether a chunk is to be computed to its end: for its own prompt, or for whoever has begun with its tokens since. What is not, the cache does not hold. */
  #wanted(generation: Generation, sequence: Sequence, position: number): () => boolean {
    const { taken } = sequence;
    return () => {
      if (!generation.isEnded) return true;
      if (generation.left !== sequence) {
        if (sequence.taken !== taken) return true;
        generation.left = sequence;
        this.#sequences.takeBack(sequence, position);
      }
      return false;
    };
  }

  /** The results of a chunk that was left. Its time says nothing of others. */
  #leftOf(generation: Generation, error: unknown): [] {
    if (generation.left === null || !(error instanceof AbortError)) throw error;
    this.#watch = new ChunkWatch(this.#alone);
    return [];
  }

  /** Of a chunk's tokens that are no words; undefined where these must be computed first, while others go on. */
  #vectorsOf(generation: Generation, chunk: readonly number[]): readonly TokenVectors[] | undefined {
    const vectors = generation.request.vectors?.of(chunk, () => !generation.isEnded) ?? [];
    if (!(vectors instanceof Promise)) return vectors;
    generation.isAsking = true;
    void this.#guard([generation], async () => { await vectors; }).then(() => {
      generation.isAsking = false;
      this.#wake();
    });
    return undefined;
  }

  /** Adds the tokens, and samples what follows. Where a grammar forced a few, they are rows of one step: a chunk takes as long as many tokens do. */
  async #sampleBehind(
    generation: Generation, tokens: readonly number[], position: number, cache: CacheView, vectors: readonly TokenVectors[], isWanted: () => boolean,
  ): Promise<readonly StepResult[]> {
    const draw = generation.draw(tokens.length);
    const count = rowsComputed(this.#prepared.counts, tokens.length);
    const isJump = generation.read > 0 && generation.request.constraint !== undefined && draw.controls === undefined && vectors.length === 0;
    if (!isJump || count === Infinity || this.#runner.shape.slots > 0) return [await this.#runner.prefillAndSample(tokens, position, cache, draw, vectors, isWanted)];
    const last = tokens.length - 1;
    return (await this.#runner.decode(jumpRows(tokens, position, cache, draw, count), last)).slice(last, last + 1);
  }

  async #encode(tokens: readonly number[], position: number, cache: CacheView, listener: StateListener): Promise<[]> {
    const states = this.#runner.encode(tokens, position, cache, listener.texts);
    listener.take(states, position);
    await states;
    return [];
  }

  /** One step of as many of them as there are kernels for, those first that have waited longest. Returns whether more may be due. */
  async #submitStep(ready: readonly Generation[]): Promise<boolean> {
    const { most } = this.#prepared;
    const rows = ready.length <= most ? ready : ready.toSorted((a, b) => a.latestStep - b.latestStep).slice(0, most);
    let step: StepRows | undefined;
    await this.#guard(rows, async () => { step = planStep(rows, this.#stepContext(), this.#turns.running.every((one) => one.isEnded || one === rows[0])); });
    if (step === undefined) return this.#ask(rows);
    const placed = await this.#withRoom(rows, step);
    if (placed === null) return true;
    this.#steps++;
    for (const row of rows) {
      if (!row.isOnGpu) row.sequence?.commit(row.tokens.slice(-1));
      row.submitted(placed.flatMap((one) => (one?.generation === row ? [one.token] : [])));
      row.latestStep = this.#steps;
    }
    const owners = placed.map((row) => row?.generation ?? null);
    const carried = rows.length === 1 ? owners.lastIndexOf(rows[0] ?? null) : 0; // what one row will do for needs no step of several
    this.#onRunner = carried > 0 ? rows : owners;
    this.#wasChunk = false;
    this.#push({
      rows: owners, prompt: null, isEnd: false, computed: rowsComputed(this.#prepared.counts, placed.length), isGuess: placed.some((row) => row?.isGuess === true),
      results: (async () => this.#runner.decode(placed, carried))(), // what it throws comes with its result
    });
    return true;
  }

  /** Has the draft model of one that runs alone asked, where that is what it waits for. Returns that no more is due. */
  #ask([only, ...others]: readonly Generation[]): false {
    if (only === undefined || others.length > 0 || only.isOnGpu || only.isEnded) return false;
    const count = only.draftsWanted(this.#prepared.counts, this.#pace);
    if (count <= 0) return false;
    this.#pace.pause();
    void this.#guard([only], () => only.ask(count)).then(() => this.#wake());
    return false;
  }

  /** Resolves when a draft has come, or somebody else wants something. */
  #woken(): Promise<void> {
    return new Promise((resolve) => { this.#wake = resolve; });
  }

  #stepContext(): StepContext {
    const queued = this.#inFlight.slice(1).reduce((time, { rows, computed }) => time + (rows.length > 0 ? this.#pace.time(computed) : 0), 0);
    return {
      before: this.#onRunner, rowCounts: this.#prepared.counts, pace: this.#pace, queued, slots: this.#runner.shape.slots, needsTokens: this.#runner.shape.needsTokens === true,
      isBehindGuess: this.#inFlight.some(({ isGuess, rows }) => isGuess && rows.some((row) => row !== null)),
    };
  }

  /** A step's rows with their places in the cache and their draws; guesses fall away where memory is short. Null: not all are there any more. */
  async #withRoom(generations: readonly Generation[], step: StepRows): Promise<(Row & StepRow | null)[] | null> {
    const slots = new Map<Generation, readonly CacheView["slots"][]>();
    for (const one of generations) {
      const guesses = step.filter((row) => row?.generation === one).length - 1;
      await this.#guard([one], async () => {
        if (await this.#turns.makeRoom(one, 1) && guesses > 0 && one.sequence !== null) slots.set(one, await this.#sequences.appendGuesses(one.sequence, guesses));
      });
    }
    if (this.#isClosed) return null;
    if (generations.some(({ isEnded, sequence }) => isEnded || sequence === null)) {
      for (const { sequence, position } of slots.keys()) if (sequence !== null) this.#sequences.truncate(sequence, position);
      return null;
    }
    const placed = [...new Set(step.flatMap((row) => row?.generation ?? []))]; // copies of pages come with the first row
    const views = this.#sequences.views(placed.flatMap(({ sequence }) => sequence ?? []));
    return step.map((row) => {
      const own = row && slots.get(row.generation);
      const view = row && views[placed.indexOf(row.generation)];
      if (!row || !view || row.index >= (own?.length ?? 1)) return null;
      const { generation, index, isGuess, allowed } = row;
      const cache = own ? { ...view, slots: own[index], copies: index === 0 ? view.copies : new Int32Array(0) } : view;
      return { ...row, ...(isGuess ? generation.drawGuessed(index, allowed) : generation.draw(1)), position: generation.position + index, cache: generation.turned(cache, generation.position + index, 1) };
    });
  }

  #view(generation: Generation): CacheView {
    const [view] = generation.sequence === null ? [] : this.#sequences.views([generation.sequence]);
    if (view === undefined) throw new InternalError("a sequence has no view");
    return view;
  }

  #push(flight: Flight): void {
    flight.results.catch(() => undefined); // it may fail unseen where nobody awaits it
    if (this.#inFlight.length === 0) flight.begun = performance.now();
    this.#inFlight.push(flight);
  }

  /** Waits for the oldest step and hands its tokens on. */
  async #read(): Promise<void> {
    const [flight] = this.#inFlight;
    if (flight === undefined) return;
    const { prompt, computed } = flight;
    let results: readonly StepResult[] | undefined;
    await this.#guard(prompt === null ? flight.rows : [prompt], async () => { results = await flight.results; });
    if (results === undefined && (prompt !== null || flight.rows.length > 0) && !this.#isClosed) this.#beginAgain(); // once: those behind are nobody's
    if (flight.rows.length > 0) this.#pace.tokensRead(computed, performance.now(), prompt === null ? flight.begun : undefined);
    if (flight.isEnd && results !== undefined) flight.prompt?.end("stop");
    for (let i = 0; i < flight.rows.length; i++) {
      const row = flight.rows[i]; // a token may take back the rows behind it
      if (!row || row.isEnded) continue;
      await this.#guard([row], async () => this.#accept(row, results?.[i])); // what one's listener throws is its own
    }
    this.#inFlight.shift();
  }

  #accept(row: Generation, result: StepResult | undefined): void {
    if (result === undefined) throw new InternalError("a step has fewer results than rows");
    const isInCache = row.sampled > row.read + 1; // a step that is ahead adds it
    if (row.take(result.token, result.logprobs)) this.#turnBack(row);
    else if (isInCache) row.sequence?.commit([result.token]);
  }

  /** Forgets the steps that are ahead of a token: the next one draws again behind it. */
  #turnBack(generation: Generation): void {
    for (const flight of this.#inFlight) flight.rows = flight.rows.map((row) => (row === generation ? null : row));
    const { sequence } = generation;
    if (sequence !== null) this.#sequences.truncate(sequence, sequence.tokens.length);
  }

  /** What fails here fails these generations, and the loop goes on. */
  async #guard(rows: readonly (Generation | null)[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#isClosed) return;
      if (this.#heir !== undefined && isLoss(error)) return this.#leave(error, this.#heir);
      for (const row of rows) row?.fail(error);
    }
  }

  #beginAgain(): void {
    const underWay = this.#inFlight.flatMap(({ rows }) => rows.flatMap((row) => row ?? []));
    for (const flight of this.#inFlight) [flight.rows, flight.prompt] = [[], null];
    this.#turns.beginAgain(underWay);
  }

  /** Computes no more, and leaves everyone who is not done to the heir; what is under way is nobody's. */
  #leave(error: MLCEngineError, heir: Heir): void {
    this.#closed = error;
    for (const flight of this.#inFlight) flight.rows = [];
    heir(error, this.#turns.leave());
  }
}
