/** Runs the plan on the GPU. A step is one command buffer with one compute pass, and creates no other GPU object. */

import { GPUExecutionError, OutOfMemoryError } from "../support/errors.ts";
import type { CacheView, Draw, ModelRunner, PooledStates, Row, RunnerShape, StepResult } from "./runner.ts";
import { HISTORY, MAX_ROWS, SAMPLING_WORDS, STATE_WORDS } from "./abi.generated.ts";
import { BufferTable } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";
import { BufferUsage, MapMode } from "./gpu_flags.ts";
import type { ModelLibrary } from "./library.ts";
import { compileKernels, type ChosenKernels } from "./pipelines.ts";
import { maxPages } from "./memory.ts";
import { decodeName, functionOf, isNeededFirst, rowCounts, type Plan, type VariantPlan } from "./plan.ts";
import { Program } from "./program.ts";
import { ReadbackRing } from "./readback.ts";
import { rotaryTable } from "./rope.ts";
import { ShadowedBuffer } from "./shadow.ts";

/** Results that may be on their way to the CPU at a time: those of one request, and what the one before it left behind. */
const READBACK_SLOTS = 8;

/**
 * Matrix products work on a tile of tokens at a time, and idle lanes take as long as busy ones. A GPU is reset where a submit takes too
 * long, so it begins with less than a tile; nobody resets a CPU, where a tile takes seconds.
 */
const SHORTEST_CHUNK = { gpu: 16, cpu: 64 };

/** How the names of its weights begin. */
const FIRST_LAYER = "layers.0.";

export interface ExecutorParts {
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  readonly library: Pick<ModelLibrary, "plan" | "launch">;
  readonly variant: VariantPlan;
  readonly buffers: BufferTable;
  /** Those of all functions but decode steps with several rows, which are compiled when such a step is asked for. */
  readonly kernels: ChosenKernels;
  /** The tile of each kernel that is not compiled yet. */
  readonly usualTiles: readonly number[];
  readonly contextLength: number;
  /** Whether the adapter computes on the CPU. */
  readonly isCpu: boolean;
}

/** A function of the plan, and how many tokens or rows it takes. */
type Call = readonly [name: string, n: number];

/** What one row adds to its sequence: `count` tokens from `position` on. */
interface Addition {
  readonly position: number;
  readonly count: number;
  readonly cache: CacheView;
}

/** A view that stays as it is while its step waits. */
function kept({ pages, copies, ...more }: CacheView): CacheView {
  return { ...more, pages: pages.slice(), copies: copies.slice() };
}

export class PlanExecutor implements ModelRunner {
  readonly shape: RunnerShape;
  readonly #parts: ExecutorParts;
  readonly #plan: Plan;
  readonly #buffers: BufferTable;
  readonly #programs = new Map<string, Program>();
  readonly #rowCounts: readonly number[];
  readonly #pageTable: ShadowedBuffer;
  readonly #sampling: ShadowedBuffer;
  readonly #results: ReadbackRing;
  /** Functions whose kernels are being compiled. */
  readonly #preparing = new Map<string, Promise<void>>();
  /** What a step waits for; steps behind it wait too, and keep their order. */
  #awaited: Promise<void> | null = null;
  #samples = 0;

  constructor(parts: ExecutorParts) {
    const { device, watch, library, variant, buffers, contextLength, isCpu } = parts;
    this.#parts = parts;
    this.#plan = library.plan;
    this.#buffers = buffers;
    this.#rowCounts = rowCounts(variant);
    const { pageSize, prefillChunk } = this.#plan.model;
    const shortestChunk = isCpu ? SHORTEST_CHUNK.cpu : SHORTEST_CHUNK.gpu;
    this.shape = { contextLength, pageSize, prefillChunk, shortestChunk, rowCounts: this.#rowCounts, slots: buffers.slots };
    for (const name of variant.functions.keys()) if (isNeededFirst(name)) this.#makeProgram(name, parts.kernels);
    this.#pageTable = new ShadowedBuffer(device.queue, buffers.io("page_table"));
    this.#sampling = new ShadowedBuffer(device.queue, buffers.io("sampling"));
    this.#results = new ReadbackRing(device, watch, READBACK_SLOTS, MAX_ROWS);
  }

  #makeProgram(name: string, kernels: ChosenKernels): void {
    const { device, library, variant } = this.#parts;
    this.#programs.set(name, new Program(device, library, functionOf(variant, name), kernels, this.#buffers));
  }

  /** The function that decodes so many rows. */
  #decodeName(rows: number): readonly [name: string, n: number] {
    const n = this.#rowCounts.find((count) => count >= rows);
    if (rows === 0 || n === undefined) throw new RangeError(`a decode step of ${rows} rows`);
    return [decodeName(n), n];
  }

  prepare(rows: number): Promise<void> {
    return this.#prepare(this.#decodeName(rows)[0]);
  }

  #prepare(name: string): Promise<void> {
    if (this.#programs.has(name)) return Promise.resolve();
    const preparing = this.#preparing.get(name) ?? this.#compile(name).finally(() => this.#preparing.delete(name));
    this.#preparing.set(name, preparing);
    return preparing;
  }

  /** Waits until the function can run; steps behind it wait too, and keep their order. */
  async #await(name: string): Promise<void> {
    while (this.#awaited !== null) await this.#awaited;
    if (this.#programs.has(name)) return;
    const prepared = this.#prepare(name);
    const done = (): void => { this.#awaited = null; };
    this.#awaited = prepared.then(done, done); // what fails here fails no other step
    await prepared;
  }

  /** Compiles the kernels of a function that is not needed first, and makes its bind groups. */
  async #compile(name: string): Promise<void> {
    const { device, watch, variant, kernels, usualTiles } = this.#parts;
    const { kernels: needed } = functionOf(variant, name);
    const tiles = variant.kernels.map((_, i) => (needed.includes(i) && kernels[i] === undefined ? [usualTiles[i] ?? 0] : []));
    const compiled = await compileKernels(device, this.#plan, variant, tiles, () => undefined).catch((error: unknown) => {
      watch.check();
      throw new GPUExecutionError(`Variant ${variant.name} cannot run ${name} on this GPU: ${String(error)}`);
    });
    this.#makeProgram(name, kernels.map((kernel, i) => kernel ?? compiled[i]?.[0]));
  }

  async reservePages(pages: number): Promise<number> {
    const { device, variant, watch } = this.#parts;
    watch.check();
    if (pages <= this.#buffers.pages) return this.#buffers.pages;
    const most = maxPages(device, variant);
    if (pages > most) throw new OutOfMemoryError(`This GPU has room for the tokens of ${most} pages in one buffer, and ${pages} are needed.`);
    const oneContext = Math.ceil(this.shape.contextLength / this.shape.pageSize);
    const ahead = pages <= oneContext ? Math.min(2 * this.#buffers.pages, oneContext) : pages + (oneContext >> 2); // growing copies all pages
    try {
      await this.#buffers.growKv(Math.min(most, Math.max(pages, ahead)));
    } finally {
      for (const program of this.#programs.values()) program.rebindKv(this.#buffers);
    }
    return this.#buffers.pages;
  }

  async prefill(tokens: readonly number[], position: number, cache: CacheView): Promise<void> {
    if (this.#awaited !== null) cache = kept(cache);
    while (this.#awaited !== null) await this.#awaited;
    this.#writeTokens(tokens);
    this.#submit([["prefill", tokens.length]], [{ position, count: tokens.length, cache }]);
    await this.#parts.watch.guard(this.#parts.device.queue.onSubmittedWorkDone());
  }

  async prefillAndSample(tokens: readonly number[], position: number, cache: CacheView, { sampling }: Draw): Promise<StepResult> {
    if (this.#awaited !== null) cache = kept(cache);
    while (this.#awaited !== null) await this.#awaited;
    this.#writeTokens(tokens);
    this.#sampling.write(sampling);
    const calls: Call[] = [["prefill", tokens.length], ["logits", tokens.length], ["sample", 1]];
    const [token = 0] = await this.#sample(calls, [{ position, count: tokens.length, cache }], 1);
    return { token };
  }

  async encode(tokens: readonly number[], position: number, cache: CacheView): Promise<PooledStates> {
    if (this.#awaited !== null || !this.#programs.has("encode")) cache = kept(cache);
    await this.#await("encode");
    const pooled = this.#buffers.io("pooled");
    this.#writeTokens(tokens);
    const calls: Call[] = [["prefill", tokens.length], ["encode", tokens.length]];
    const values = await this.#readBack(pooled.size, (finish) => this.#submit(calls, [{ position, count: tokens.length, cache }], 1, 0, finish),
      pooled, 0);
    const half = values.length / 2;
    return { last: values.slice(0, half), sum: values.slice(half) };
  }

  async decode(rows: readonly (Row | null)[]): Promise<readonly StepResult[]> {
    const [name, n] = this.#decodeName(rows.length);
    if (this.#awaited !== null || !this.#programs.has(name)) rows = rows.map((row) => (row === null ? null : { ...row, cache: kept(row.cache) }));
    await this.#await(name);
    rows.forEach((row, i) => {
      if (row?.token !== undefined) this.#writeTokens([row.token], i);
      if (row !== null) this.#sampling.write(row.sampling, i * SAMPLING_WORDS);
    });
    const additions = rows.map((row) => (row === null ? null : { position: row.position, count: 1, cache: row.cache }));
    const tokens = await this.#sample([[name, n], ["sample", n]], additions, n);
    return rows.map((_, row) => ({ token: tokens[row] ?? 0 }));
  }

  /**
   * float32[hidden_size]: the hidden state of the last of `tokens` behind the model's first layer, by a prefill or (of one token) a decode
   * step that ends there. What is at a position greater than 0 continues the call before it, at 0. For a check of the GPU: it makes a buffer.
   */
  async firstLayer(name: "prefill" | "decode", tokens: readonly number[], position: number): Promise<Float32Array> {
    const { steps, kernels } = functionOf(this.#parts.variant, name);
    const end = steps.findLastIndex(({ buffers }) => buffers.some((id) => this.#plan.weights[id]?.name.startsWith(FIRST_LAYER)));
    const step = steps[end];
    const { bindings = [] } = this.#parts.variant.kernels[kernels[step?.kernel ?? -1] ?? -1] ?? {};
    const output = step?.buffers[bindings.lastIndexOf("read_write")];
    if (output === undefined) throw new RangeError(`${name} has no kernel that writes what the first layer gives`);
    const { buffer, offset } = this.#buffers.binding(output);
    const size = this.#buffers.io("pooled").size / 2;
    const slots = position === 0 ? { read: -1, write: 0 } : { read: 0, write: 1 };
    const cache = { pages: Int32Array.of(0), copies: new Int32Array(), slots };
    this.#writeTokens(tokens);
    return this.#readBack(size, (finish) => this.#submit(
      [[name, tokens.length]], [{ position, count: tokens.length, cache }], 1, 0, finish, end + 1), buffer, offset + (tokens.length - 1) * size);
  }

  /** What a buffer holds behind a step, through a buffer of its own. `submit` submits the step, with what it is to do at last. */
  async #readBack(
    size: number, submit: (finish: (encoder: GPUCommandEncoder) => void) => void, source: GPUBuffer, offset: number,
  ): Promise<Float32Array> {
    const { device, watch } = this.#parts;
    const staging = device.createBuffer({ label: "readback", size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
    try {
      submit((encoder) => encoder.copyBufferToBuffer(source, offset, staging, 0, size));
      await watch.guard(staging.mapAsync(MapMode.READ));
      return new Float32Array(staging.getMappedRange().slice(0));
    } finally {
      staging.destroy();
    }
  }

  #writeTokens(tokens: readonly number[], first = 0): void {
    this.#parts.device.queue.writeBuffer(this.#buffers.io("tokens"), 4 * first, Int32Array.from(tokens));
  }

  /** Submits a step that samples `n` rows; the ids come later, through the history's next places. */
  async #sample(calls: readonly Call[], additions: readonly (Addition | null)[], n: number): Promise<readonly number[]> {
    if (this.#samples % HISTORY + n > HISTORY) this.#samples += HISTORY - this.#samples % HISTORY; // in one piece
    const place = this.#samples % HISTORY;
    this.#samples += n;
    const result = this.#results.take();
    this.#submit(calls, additions, n, place, (encoder) => result.copy(encoder, this.#buffers.io("history"), 4 * place, n));
    return result.read();
  }

  /** Whether a row is the next token of the one before it. A page that a step writes belongs to one sequence alone. */
  #isBehindAnother(additions: readonly (Addition | null)[], row: number): boolean {
    const { position, cache } = additions[row] ?? {};
    if (position === undefined) return false;
    const page = Math.floor((position - 1) / this.shape.pageSize);
    const found = additions.findIndex((one) => one?.position === position - 1 && one.cache.pages[page] === cache?.pages[page]);
    if (found >= 0 && found !== row - 1) throw new RangeError("rows of one sequence must be one behind the other");
    return found >= 0;
  }

  /**
   * Records and submits one step of `n` rows, of which null and those beyond `additions` do nothing; `finish` may record more behind its
   * compute pass, `dispatches` ends each function early.
   */
  #submit(
    calls: readonly Call[], additions: readonly (Addition | null)[], n = 1, place = 0, finish?: (encoder: GPUCommandEncoder) => void,
    dispatches?: number,
  ): void {
    const { device, watch } = this.#parts;
    watch.check();
    const state = new Int32Array(n * STATE_WORDS);
    let before = 0; // rows of the same sequence, whose tokens its cache does not hold yet
    for (let row = 0; row < n; row++) {
      const { position = -1, count = 0, cache } = additions[row] ?? {};
      before = this.#isBehindAnother(additions, row) ? before + 1 : 0;
      state.set([position, count, place + row, cache?.slots?.read ?? -1, cache?.slots?.write ?? -1, before], row * STATE_WORDS);
    }
    device.queue.writeBuffer(this.#buffers.io("state"), 0, state);
    const positions = additions.flatMap((one) => (one === null ? [0] : Array.from({ length: one.count }, (_, i) => one.position + i)));
    this.#plan.model.ropes.forEach((rope, i) => device.queue.writeBuffer(this.#buffers.io(`rope${i}`), 0, rotaryTable(rope, positions)));
    const pages = Math.ceil(this.#plan.model.contextLength / this.#plan.model.pageSize); // of a row's page table
    additions.forEach((one, row) => { if (one !== null) this.#pageTable.write(one.cache.pages, row * pages); });
    const encoder = device.createCommandEncoder();
    for (const one of additions) if (one !== null) this.#buffers.copyPages(encoder, one.cache.copies);
    const pass = encoder.beginComputePass();
    const longest = Math.max(...positions) + 1;
    for (const [name, count] of calls) this.#programs.get(name)?.encode(pass, count, longest, dispatches);
    pass.end();
    finish?.(encoder);
    device.queue.submit([encoder.finish()]);
  }
}
