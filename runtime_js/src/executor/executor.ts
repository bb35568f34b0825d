/**
 * Runs the plan on the GPU. A step is one command buffer with one compute pass, and creates no other GPU object; where the CPU has a part in
 * it, between the forward pass and the draw, it is two.
 */

import type { Tile } from "../media/picture.ts";
import { GPUExecutionError, OutOfMemoryError } from "../support/errors.ts";
import type { CacheView, Draw, Row, RunnerShape, StepResult, TokenVectors } from "./runner.ts";
import { LOGPROB_WORDS, MAX_ROWS, SAMPLING_WORDS } from "./abi.generated.ts";
import { endsOf, firstAddition, kept, placeTexts, placesOf, stateWords, told, type Addition } from "./additions.ts";
import type { InspectableRunner } from "./backend.ts";
import { BufferTable } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";
import { ControlSlots, HistoryPlaces, functionsFor, resultsOf, wordsOf, type RowDraw } from "./draws.ts";
import { BufferUsage, MapMode } from "./gpu_flags.ts";
import { groupsOf, pageBytesOf } from "./groups.ts";
import { firstLayerOf, headOf, layerCount, partsOfStep, patchStateBytes } from "./layers.ts";
import type { ModelLibrary } from "./library.ts";
import { inRows, soundCall, patchCall, patchFloats, probeTile, type PatchCall } from "./patches.ts";
import { compileKernels, type ChosenKernels } from "./pipelines.ts";
import { maxPages } from "./memory.ts";
import { decodeName, firstFunctions, functionOf, hasIo, hiddenBytes, pooledFloats, rowCounts, type Plan, type VariantPlan } from "./plan.ts";
import { Program } from "./program.ts";
import { ReadbackRing, changeFloats } from "./readback.ts";
import { keptRows, longestAlike } from "./rope.ts";
import type { RowReader, TokenRows } from "./row_reader.ts";
import { ShadowedBuffer } from "./shadow.ts";

/** Results that may be on their way to the CPU at a time: those of one request, and what the one before it left behind. */
const READBACK_SLOTS = 8;

/**
 * Matrix products work on a tile of tokens at a time, and idle lanes take as long as busy ones. A GPU is reset where a submit takes too
 * long, so it begins with less than a tile; nobody resets a CPU, where a tile takes seconds.
 */
const SHORTEST_CHUNK = { gpu: 16, cpu: 64 };

export interface ExecutorParts {
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  readonly library: Pick<ModelLibrary, "plan" | "launch">;
  readonly variant: VariantPlan;
  readonly buffers: BufferTable;
  /** Those of the functions of a first answer; others are compiled when such a step is asked for. */
  readonly kernels: ChosenKernels;
  /** The tile of each kernel that is not compiled yet. */
  readonly usualTiles: readonly number[];
  readonly contextLength: number;
  /** Whether the adapter computes on the CPU. */
  readonly isCpu: boolean;
  /** Reads what the model has of tokens in storage. */
  readonly rows?: RowReader | undefined;
}

/** A text that comes whole comes in as many submits as keep each below this, as far as the self-test tells: a GPU that works on one for two seconds is reset. */
const SUBMIT_MS = 400;

/** Dispatches of a chunk, about a layer, that the GPU does while its process checks and records the others, which takes a millisecond and more. */
const BEGINNING = 12;

type Call = readonly [name: string, tokensOrRows: number];

export class PlanExecutor implements InspectableRunner {
  shape: RunnerShape;
  readonly #parts: ExecutorParts;
  readonly #plan: Plan;
  readonly #buffers: BufferTable;
  readonly #programs = new Map<string, Program>();
  readonly #rowCounts: readonly number[];
  readonly #ropes: readonly ReturnType<typeof keptRows>[];
  /** By group. */
  readonly #pageTables: readonly ShadowedBuffer[];
  /** Undefined where nothing is drawn. */
  readonly #sampling: ShadowedBuffer | undefined;
  /** Made when the first mask comes. */
  #masks: ShadowedBuffer | null = null;
  readonly #results: ReadbackRing;
  #details: ReadbackRing | null = null;
  readonly #controls: ControlSlots;
  /** Functions whose kernels are being compiled. */
  readonly #preparing = new Map<string, Promise<void>>();
  /** What a step waits for; steps behind it wait too, and keep their order. */
  #awaited: Promise<void> | null = null;
  readonly #places = new HistoryPlaces();

  constructor(parts: ExecutorParts) {
    const { device, watch, library, variant, buffers, contextLength, isCpu } = parts;
    this.#parts = parts;
    this.#plan = library.plan;
    this.#buffers = buffers;
    this.#rowCounts = rowCounts(variant);
    const { pageSize, prefillChunk } = this.#plan.model;
    const shortestChunk = isCpu ? SHORTEST_CHUNK.cpu : SHORTEST_CHUNK.gpu;
    const groups = groupsOf(this.#plan.states, contextLength, this.#plan.model);
    this.shape = { contextLength, pageSize, prefillChunk, shortestChunk, rowCounts: this.#rowCounts, slots: buffers.slots, mostTexts: this.#plan.model.texts, pooledFloats: pooledFloats(this.#plan), groups, needsTokens: parts.rows !== undefined, longestAlike: longestAlike(this.#plan.model.ropes), wholePictures: hasIo(this.#plan, "ends"), patchFloats: patchFloats(this.#plan) };
    for (const name of firstFunctions(variant)) this.#makeProgram(name, parts.kernels);
    this.#controls = new ControlSlots(this.#plan.model.vocabSize, (name, offset, words) => device.queue.writeBuffer(buffers.io(name), offset, words));
    this.#ropes = this.#plan.model.ropes.map(keptRows);
    this.#pageTables = groups.map((_, group) => new ShadowedBuffer(device.queue, buffers.io(`page_table${group}`)));
    this.#sampling = this.#rowCounts.length > 0 ? new ShadowedBuffer(device.queue, buffers.io("sampling")) : undefined;
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

  /** Compiles the kernels of a function that not every request needs, and makes its buffers and bind groups. */
  async #compile(name: string): Promise<void> {
    const { device, watch, variant, kernels, usualTiles } = this.#parts;
    const { kernels: needed, steps } = functionOf(variant, name);
    await this.#buffers.add(steps.flatMap(({ buffers }) => buffers));
    const tiles = variant.kernels.map((_, i) => (needed.includes(i) && kernels[i] === undefined ? [usualTiles[i] ?? 0] : []));
    const compiled = await compileKernels(device, this.#plan, variant, tiles, () => undefined).catch((error: unknown) => {
      watch.check();
      throw new GPUExecutionError(`Variant ${variant.name} cannot run ${name} on this GPU: ${String(error)}`);
    });
    this.#makeProgram(name, kernels.map((kernel, i) => kernel ?? compiled[i]?.[0]));
  }

  #mustWait(names: readonly string[]): boolean {
    return this.#awaited !== null || names.some((name) => !this.#programs.has(name));
  }

  /** Waits for the steps before it, and for the functions, while steps behind it wait. */
  async #ready(names: readonly string[]): Promise<void> {
    while (this.#awaited !== null) await this.#awaited;
    const missing = names.filter((name) => !this.#programs.has(name));
    if (missing.length > 0) await this.#alone(Promise.all(missing.map((name) => this.#prepare(name))));
  }

  /** Lets steps wait for this work; what fails in it fails no other step. */
  #alone<T>(work: Promise<T>): Promise<T> {
    const done = (): void => { this.#awaited = null; };
    this.#awaited = work.then(done, done);
    return work;
  }

  /** Steps wait meanwhile: none may be submitted with buffers that are about to be replaced. */
  async reservePages(group: number, pages: number): Promise<number> {
    this.#parts.watch.check();
    while (pages > this.#buffers.pages(group)) {
      if (this.#mustWait([])) await this.#ready([]);
      else await this.#alone(this.#grow(group, pages));
    }
    return this.#buffers.pages(group);
  }

  async #grow(group: number, pages: number): Promise<void> {
    const { device, variant } = this.#parts;
    const present = this.#buffers.pages(group);
    const most = maxPages(device, pageBytesOf(this.#plan.states, variant)[group] ?? 0);
    if (pages > most) throw new OutOfMemoryError(`This GPU has room for the tokens of ${most} pages in one buffer, and ${pages} are needed.`);
    const one = this.shape.groups[group]?.pages ?? 0; // conversation
    const ahead = pages <= one ? Math.min(2 * present, one) : pages + (one >> 2); // growing copies all pages
    try {
      await this.#buffers.growKv(group, Math.min(most, Math.max(pages, ahead)));
    } finally {
      for (const program of this.#programs.values()) program.rebindKv(this.#buffers);
    }
  }

  /** Runs a step, in the order of the calls. Where weights stay in storage, the rows of its tokens are read first, while steps before it run. */
  #withRows<T>(tokens: readonly (number | undefined)[], step: (stored: readonly TokenRows[]) => Promise<T>): Promise<T> {
    return this.#parts.rows?.inTurn(tokens, step) ?? step([]);
  }

  /** A view for a step that may have to wait. */
  #seen(cache: CacheView, names: readonly string[] = []): CacheView {
    return this.#parts.rows !== undefined || this.#mustWait(names) ? kept(cache) : cache;
  }

  prefill(tokens: readonly number[], position: number, cache: CacheView, vectors?: readonly TokenVectors[]): Promise<void> {
    const additions = [{ position, count: tokens.length, cache: this.#seen(cache) }];
    return this.#withRows(tokens, async (stored) => {
      if (this.#mustWait([])) await this.#ready([]);
      this.#writePrompt(tokens, position, stored, vectors);
      this.#submit([["prefill", tokens.length]], additions, this.#write(additions));
      await this.#parts.watch.guard(this.#parts.device.queue.onSubmittedWorkDone());
    });
  }

  prefillAndSample(tokens: readonly number[], position: number, cache: CacheView, draw: Draw, vectors?: readonly TokenVectors[]): Promise<StepResult> {
    const rows = [{ draw, end: tokens.length, counted: 0 }];
    const names = functionsFor(rows);
    const additions = [{ position, count: tokens.length, cache: this.#seen(cache, names) }];
    return this.#withRows(tokens, async (stored) => {
      if (this.#mustWait(names)) await this.#ready(names);
      this.#writePrompt(tokens, position, stored, vectors);
      const [result = { token: 0 }] = await this.#step([["prefill", tokens.length], ["logits", tokens.length]], additions, rows, 1);
      return result;
    });
  }

  async encode(given: readonly number[], position: number, cache: CacheView, texts?: readonly number[]): Promise<Float32Array> {
    const seen = this.#seen(cache, ["encode"]);
    const { tokens, additions } = texts === undefined ? { tokens: given, additions: [{ position, count: given.length, cache: seen }] }
      : placeTexts(given, texts, seen, this.shape.pageSize);
    const most = this.#plan.model.texts;
    const all = await this.#withRows(tokens, async (stored) => {
      if (this.#mustWait(["encode"])) await this.#ready(["encode"]);
      const pooled = this.#buffers.io("pooled");
      this.#writePrompt(tokens, position, stored);
      const calls: Call[] = [["prefill", tokens.length], ["encode", tokens.length]];
      const longest = this.#write(additions, most);
      const before = this.#submitParts("prefill", tokens.length, additions, longest);
      return this.#readBack(pooled.size, (finish) => this.#submit(calls, before === 0 ? additions : [], longest, finish, undefined, before), pooled, 0);
    });
    return all.subarray(0, this.shape.pooledFloats * additions.length);
  }

  async see(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>> {
    if (hasIo(this.#plan, "frames")) return this.#hear(tiles);
    const { groups, pageSize } = this.shape;
    const { count, vectors: made, words, addition, bytes } = patchCall(tiles, this.#plan, groups.length);
    for (const group of groups.keys()) await this.reservePages(group, Math.ceil(count / pageSize));
    if (this.#mustWait([])) await this.#ready([]);
    this.#writeIo(words);
    const longest = this.#write([addition]);
    const before = this.#submitParts("encode_image", count, [addition], longest);
    const calls: Call[] = [["encode_image", count], ["project_image", made]];
    const vectors = await this.#readBack(
      bytes, (finish) => this.#submit(calls, before === 0 ? [addition] : [], longest, finish, undefined, before), this.#buffers.io("pictures"), 0);
    return inRows(vectors, tiles);
  }

  async #hear(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>> {
    const { tokens, words, bytes } = soundCall(tiles, this.#plan);
    if (this.#mustWait([])) await this.#ready([]);
    this.#writeIo(words);
    return this.#readBack(bytes, (finish) => this.#submit([["encode_audio", tokens]], [], 0, finish), this.#buffers.io("sounds"), 0);
  }

  async decode(rows: readonly (Row | null)[], carried = 0): Promise<readonly StepResult[]> {
    const [name, n] = this.#decodeName(rows.length);
    const draws = rows.map((draw, row) => draw && { draw, end: row + 1, counted: 1 });
    const names = [name, ...functionsFor(draws)];
    const additions = rows.map((row) => row && { position: row.position, count: 1, cache: this.#seen(row.cache, names) });
    return this.#withRows(rows.map((row) => row?.token), async (stored) => {
      if (this.#mustWait(names)) await this.#ready(names);
      this.#writeTokens(rows.map((row) => row?.token), stored);
      return this.#step([[name, n]], additions, draws, n, carried);
    });
  }

  /** See `FirstLayer`. It makes a buffer. */
  firstLayer(name: "prefill" | "decode" | "encode_image", tokens: readonly number[], position: number, times = 1): Promise<Float32Array> {
    const { variant } = this.#parts;
    const { steps, output } = firstLayerOf(this.#plan, variant.kernels, functionOf(variant, name));
    const { buffer, offset } = this.#buffers.binding(output);
    const size = name === "encode_image" ? patchStateBytes(this.#plan) : hiddenBytes(this.#plan);
    const additions = [firstAddition(tokens.length, position, this.#pageTables.length, name === "encode_image" ? new Int32Array(2 * tokens.length) : undefined)];
    const calls = Array.from({ length: times }, (): Call => [name, tokens.length]);
    return this.#withRows(tokens, (stored) => {
      if (name === "encode_image") this.#writeIo(patchCall([probeTile(tokens.length, this.#plan)], this.#plan, 0).words);
      else this.#writePrompt(tokens, position, stored);
      return this.#readBack(size, (finish) => this.#submit(calls, additions, this.#write(additions), finish, steps),
        buffer, offset + (tokens.length - 1) * size);
    });
  }

  /** See `FirstLayer`. */
  head(hidden: Float32Array<ArrayBuffer>): Promise<Float32Array> {
    const { device, variant } = this.#parts;
    const { before, input } = headOf(this.#plan, variant.kernels, functionOf(variant, "decode"));
    const { buffer, offset } = this.#buffers.binding(input);
    device.queue.writeBuffer(buffer, offset, hidden);
    this.#submit([["decode", 1]], [], 1, undefined, undefined, before);
    return this.logits();
  }

  get layersOfStep(): number {
    return partsOfStep(this.#plan);
  }

  learnPace(milliseconds: number): void {
    this.shape = { ...this.shape, tokenMs: milliseconds * layerCount(this.#plan) };
  }

  async logits(): Promise<Float32Array> {
    const { device, library } = this.#parts;
    return this.#readBack(4 * library.plan.model.vocabSize, (finish) => {
      const encoder = device.createCommandEncoder();
      finish(encoder);
      device.queue.submit([encoder.finish()]);
    }, this.#buffers.io("logits"), 0);
  }

  /** What a buffer holds behind a step, through a buffer of its own. `submit` submits the step, with what it is to do at last. */
  async #readBack(
    size: number, submit: (finish: (encoder: GPUCommandEncoder) => void) => void, source: GPUBuffer, offset: number,
  ): Promise<Float32Array<ArrayBuffer>> {
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

  /** What a prefill is told of its tokens, of which those from `position` of their sequence on. */
  #writePrompt(tokens: readonly number[], position: number, stored: readonly TokenRows[], vectors: readonly TokenVectors[] = []): void {
    const { queue } = this.#parts.device;
    this.#writeTokens(tokens, stored);
    if (this.shape.wholePictures === true) queue.writeBuffer(this.#buffers.io("ends"), 0, endsOf(tokens, position));
    for (const { at, values } of vectors) {
      const rows = this.#buffers.io("vectors");
      queue.writeBuffer(rows, at * (rows.size / this.shape.prefillChunk), values);
    }
  }

  #writeIo(words: PatchCall["words"]): void {
    for (const [name, offset, values] of words) this.#parts.device.queue.writeBuffer(this.#buffers.io(name), offset, values);
  }

  /** Where a row has none, the GPU has it already. */
  #writeTokens(tokens: readonly (number | undefined)[], stored: readonly TokenRows[]): void {
    const { queue } = this.#parts.device;
    const buffer = this.#buffers.io("tokens");
    if (tokens.every((token) => token !== undefined)) queue.writeBuffer(buffer, 0, Int32Array.from(tokens, told));
    else tokens.forEach((token, i) => { if (token !== undefined) queue.writeBuffer(buffer, 4 * i, Int32Array.of(told(token))); });
    for (const { io, bytes } of stored) queue.writeBuffer(this.#buffers.io(io), 0, bytes);
  }

  /** The forward pass and what draws from its logits, whose results come late; a step of which the CPU has a part waits for it. */
  #step(forward: readonly Call[], additions: readonly (Addition | null)[], rows: readonly (RowDraw | null)[], n: number, carried = 0): Promise<readonly StepResult[]> {
    const hasProcess = rows.some((row) => row?.draw.process !== undefined);
    return hasProcess ? this.#alone(this.#sample(forward, additions, rows, n, carried)) : this.#sample(forward, additions, rows, n, carried);
  }

  /** In one submit, unless the CPU looks at the logits or makes masks meanwhile. */
  async #sample(forward: readonly Call[], additions: readonly (Addition | null)[], rows: readonly (RowDraw | null)[], n: number, carried = 0): Promise<readonly StepResult[]> {
    const hasLogprobs = rows.some((row) => row?.draw.topLogprobs !== undefined);
    const isSplit = rows.some((row) => row?.draw.mask !== undefined || row?.draw.process !== undefined);
    const place = this.#places.take(n);
    const head: Call[] = hasLogprobs ? [...forward, ["keep", n]] : [...forward];
    const longest = this.#write(additions, n, place);
    if (isSplit) this.#submit(head, additions, longest);
    for (const [row, found] of rows.entries()) if (found?.draw.process !== undefined) await this.#process(row, found.draw.process);
    const masks = rows.map((row) => row?.draw.mask?.());
    masks.forEach((mask, row) => { if (mask !== undefined) this.#writeMask(row, mask); });
    rows.forEach((row) => row && this.#controls.hold(row));
    for (let row = 0; row < n; row++) {
      this.#sampling?.write(wordsOf(rows[row] ?? null, masks[row] !== undefined), row * SAMPLING_WORDS);
    }
    const isAdjusted = rows.some((row, i) => row?.draw.controls !== undefined || masks[i] !== undefined);
    const tail: Call[] = [...(isAdjusted ? [["adjust", n] as const] : []), ["sample", n], ...(hasLogprobs ? [["logprobs", n] as const] : [])];
    const result = hasLogprobs ? this.#detailed().take() : this.#results.take();
    this.#submit(isSplit ? tail : [...head, ...tail], isSplit ? [] : additions, longest, (encoder) => {
      result.copy(encoder, this.#buffers.io("history"), 4 * place, n);
      if (carried > 0) encoder.copyBufferToBuffer(this.#buffers.io("history"), 4 * (place + carried), this.#buffers.io("tokens"), 0, 4);
      if (hasLogprobs) result.copy(encoder, this.#buffers.io("logprobs"), 0, n * LOGPROB_WORDS);
    });
    const words = await result.read();
    return resultsOf(rows, words, words.subarray(n));
  }

  /** Results with logprobs, made when the first are asked for. */
  #detailed(): ReadbackRing {
    const { device, watch } = this.#parts;
    return this.#details ??= new ReadbackRing(device, watch, READBACK_SLOTS, MAX_ROWS * (1 + LOGPROB_WORDS));
  }

  #writeMask(row: number, mask: Uint32Array): void {
    const buffer = this.#buffers.io("mask");
    const words = buffer.size / 4 / MAX_ROWS;
    this.#masks ??= new ShadowedBuffer(this.#parts.device.queue, buffer);
    this.#masks.write(mask.subarray(0, words), row * words);
  }

  /** Lets the caller change a row's logits. */
  #process(row: number, process: (logits: Float32Array) => void): Promise<void> {
    const { device, watch } = this.#parts;
    const buffer = this.#buffers.io("logits");
    const words = buffer.size / 4 / MAX_ROWS;
    return changeFloats(device, watch, buffer, 4 * row * words, words, process);
  }

  /**
   * Writes what a step of `n` rows is told of its tokens, of which rows null and those beyond `additions` do nothing. Returns how many tokens
   * the longest of their sequences has.
   */
  #write(additions: readonly (Addition | null)[], n = 1, place = 0): number {
    const { device } = this.#parts;
    device.queue.writeBuffer(this.#buffers.io("state"), 0, stateWords(additions, n, place, this.shape.pageSize));
    const places = placesOf(additions);
    this.#ropes.forEach((rows, i) => device.queue.writeBuffer(this.#buffers.io(`rope${i}`), 0, rows(places)));
    const pages = Math.ceil(this.#plan.model.contextLength / this.#plan.model.pageSize); // of a row's page table
    additions.forEach((one, row) => one?.cache.tables.forEach((table, group) => this.#pageTables[group]?.write(table, row * pages)));
    return Math.max(...places.map(({ position }) => position)) + 1;
  }

  /** Submits the beginning of a function that would take too long in one submit, in parts; returns how many dispatches these have. */
  #submitParts(name: string, n: number, additions: readonly (Addition | null)[], longest: number): number {
    const { length = 0 } = this.#programs.get(name) ?? {};
    const part = Math.max(1, Math.floor(length * SUBMIT_MS / Math.max(SUBMIT_MS, n * (this.shape.tokenMs ?? 0))));
    let done = 0;
    for (; done + part < length; done += part) this.#submit([[name, n]], done === 0 ? additions : [], longest, undefined, part, done);
    return done;
  }

  /**
   * Records and submits functions in one compute pass, behind the copies of pages that `additions` ask for; `finish` may record more behind
   * it, `dispatches` ends each function early, `before` begins the first behind so many.
   */
  #submit(
    calls: readonly Call[], additions: readonly (Addition | null)[], longest: number, finish?: (encoder: GPUCommandEncoder) => void,
    dispatches?: number, before = 0,
  ): void {
    const { device, watch } = this.#parts;
    watch.check();
    if (calls[0]?.[0] === "prefill" && dispatches === undefined && before === 0 && (this.#programs.get("prefill")?.length ?? 0) > 2 * BEGINNING) {
      this.#submit(calls.slice(0, 1), additions, longest, undefined, BEGINNING);
      return this.#submit(calls, [], longest, finish, undefined, BEGINNING);
    }
    const encoder = device.createCommandEncoder();
    for (const one of additions) if (one !== null) this.#buffers.copyPages(encoder, one.cache.copies);
    const pass = encoder.beginComputePass();
    for (const [i, [name, count]] of calls.entries()) {
      const program = this.#programs.get(name);
      const skipped = i === 0 ? before : 0;
      program?.encode(pass, count, longest, dispatches ?? program.length - skipped, skipped);
    }
    pass.end();
    finish?.(encoder);
    device.queue.submit([encoder.finish()]);
  }
}
