/** Runs the plan on the CPU. Calls wait for each other; a step is straight work on memory, in slices that let others have their turn. */

import type { Tile } from "../../media/picture.ts";
import { OutOfMemoryError } from "../../support/errors.ts";
import { LOGPROB_WORDS, MAX_ROWS, SAMPLING_WORDS } from "../abi.generated.ts";
import { endsOf, firstAddition, kept, placeTexts, placesOf, stateWords, told, type Addition } from "../additions.ts";
import type { InspectableRunner } from "../backend.ts";
import { slotCount } from "../buffers.ts";
import { ControlSlots, HistoryPlaces, resultsOf, wordsOf, type RowDraw } from "../draws.ts";
import { groupsOf } from "../groups.ts";
import { inRows, soundCall, patchCall, patchFloats, probeTile } from "../patches.ts";
import { firstLayerOf, headOf, layerCount, partsOfStep, patchStateBytes } from "../layers.ts";
import { functionOf, hasIo, hiddenBytes, pooledFloats } from "../plan.ts";
import { longestAlike, rotaryTable } from "../rope.ts";
import type { RowReader } from "../row_reader.ts";
import type { CacheView, Draw, Row, RunnerShape, StepResult, TokenVectors } from "../runner.ts";
import { layerTimeOfStep } from "../self_test.ts";
import type { Machine } from "./machine.ts";
import type { CpuPlan, CpuVariant } from "./plan.ts";

/** Below so many tokens a product of matrices is bound by reading the weights. */
const SHORTEST_CHUNK = 16;

/** A coarse clock may show a layer as nothing. */
const SHORTEST_MS = 0.02;

interface Io {
  readonly pointer: number;
  readonly bytes: number;
}

export class CpuRunner implements InspectableRunner {
  shape: RunnerShape;
  readonly #plan: CpuPlan;
  readonly #variant: CpuVariant;
  readonly #machine: Machine;
  readonly #io: ReadonlyMap<string, Io>;
  readonly #controls: ControlSlots;
  /** The latest call; the next one begins behind it. */
  #latest: Promise<unknown> = Promise.resolve();
  readonly #places = new HistoryPlaces();
  readonly #rows: RowReader | undefined;

  constructor(plan: CpuPlan, variant: CpuVariant, machine: Machine, contextLength: number, rows?: RowReader) {
    [this.#plan, this.#variant, this.#machine, this.#rows] = [plan, variant, machine, rows];
    const first = plan.weights.length + plan.states.length;
    this.#io = new Map(plan.io.map(({ name, bytes }, i) => [name, { pointer: machine.layout.pointers[first + i] ?? 0, bytes }]));
    const { pageSize, prefillChunk, vocabSize } = plan.model;
    this.shape = {
      contextLength, pageSize, prefillChunk, shortestChunk: Math.min(SHORTEST_CHUNK, prefillChunk),
      rowCounts: Array.from({ length: variant.functions.has("decode") ? MAX_ROWS : 0 }, (_, i) => i + 1), slots: slotCount(plan, variant), needsTokens: rows !== undefined, mostTexts: plan.model.texts, pooledFloats: pooledFloats(plan),
      groups: groupsOf(plan.states, contextLength, plan.model), longestAlike: longestAlike(plan.model.ropes), wholePictures: hasIo(plan, "ends"), patchFloats: patchFloats(plan),
    };
    this.#controls = new ControlSlots(vocabSize, (name, offset, words) => this.#write(name, words, offset));
  }

  async prepare(): Promise<void> {}

  async reservePages(group: number, pages: number): Promise<number> {
    const { memory, layout: { pools } } = this.#machine;
    const pool = pools[group];
    if (pool === undefined) throw new RangeError(`no group ${group}`);
    const [most, present] = [memory.mostPages(pool), memory.pages(pool)];
    if (pages > most) throw new OutOfMemoryError(`The model's memory has room for ${most} pages of tokens, and ${pages} are needed.`);
    if (pages > present) memory.growTo(pool, Math.min(most, Math.max(pages, 2 * present)));
    return memory.pages(pool);
  }

  prefill(tokens: readonly number[], position: number, cache: CacheView, vectors?: readonly TokenVectors[], isWanted?: () => boolean): Promise<void> {
    const addition = { position, count: tokens.length, cache: kept(cache) };
    return this.#inTurn(tokens, () => {
      this.#writeVectors(vectors);
      return this.#prefill(tokens, [addition], { isWanted });
    });
  }

  prefillAndSample(
    tokens: readonly number[], position: number, cache: CacheView, draw: Draw, vectors?: readonly TokenVectors[], isWanted?: () => boolean,
  ): Promise<StepResult> {
    const addition = { position, count: tokens.length, cache: kept(cache) };
    return this.#inTurn(tokens, async () => {
      this.#writeVectors(vectors);
      const place = this.#places.take(1);
      await this.#prefill(tokens, [addition], { place, isWanted });
      await this.#machine.run("logits", tokens.length, 0);
      const [result = { token: 0 }] = await this.#sample([{ draw, end: tokens.length, counted: 0 }], 1, place);
      return result;
    });
  }

  encode(given: readonly number[], position: number, cache: CacheView, texts?: readonly number[]): Promise<Float32Array> {
    const { texts: most, pageSize } = this.#plan.model;
    const { tokens, additions } = texts === undefined ? { tokens: given, additions: [{ position, count: given.length, cache: kept(cache) }] }
      : placeTexts(given, texts, kept(cache), pageSize);
    return this.#inTurn(tokens, async () => {
      await this.#prefill(tokens, additions, { rows: most });
      await this.#machine.run("encode", tokens.length, 0);
      return this.#floats("pooled").slice(0, this.shape.pooledFloats * additions.length);
    });
  }

  see(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>> {
    if (hasIo(this.#plan, "frames")) return this.#hear(tiles);
    const { groups, pageSize } = this.shape;
    const { count, vectors, words, addition, bytes } = patchCall(tiles, this.#plan, groups.length);
    return this.#inTurn([], async () => {
      for (const group of groups.keys()) await this.reservePages(group, Math.ceil(count / pageSize));
      for (const [name, offset, values] of words) this.#write(name, values, offset);
      await this.#machine.run("encode_image", count, this.#tell([addition], 1, 0));
      await this.#machine.run("project_image", vectors, 0);
      return inRows(this.#floats("pictures").slice(0, bytes / 4), tiles);
    });
  }

  #hear(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>> {
    const { tokens, words, bytes } = soundCall(tiles, this.#plan);
    return this.#inTurn([], async () => {
      for (const [name, offset, values] of words) this.#write(name, values, offset);
      await this.#machine.run("encode_audio", tokens, 0);
      return this.#floats("sounds").slice(0, bytes / 4);
    });
  }

  decode(rows: readonly (Row | null)[], carried = 0): Promise<readonly StepResult[]> {
    const n = rows.length;
    if (n === 0 || n > MAX_ROWS) throw new RangeError(`a decode step of ${n} rows`);
    const additions = rows.map((row) => row && { position: row.position, count: 1, cache: kept(row.cache) });
    return this.#inTurn(rows.map((row) => row?.token), async () => {
      rows.forEach((row, i) => { if (row?.token !== undefined) this.#write("tokens", Int32Array.of(row.token), 4 * i); });
      const place = this.#places.take(n);
      await this.#machine.run("decode", n, this.#tell(additions, n, place));
      const results = await this.#sample(rows.map((draw, row) => draw && { draw, end: row + 1, counted: 1 }), n, place);
      if (carried > 0) this.#write("tokens", Int32Array.of(results[carried]?.token ?? 0));
      return results;
    });
  }

  /** See `FirstLayer`. */
  firstLayer(name: "prefill" | "decode" | "encode_image", tokens: readonly number[], position: number, times = 1): Promise<Float32Array> {
    return this.#inTurn(tokens, async () => {
      const { steps, output } = firstLayerOf(this.#plan, this.#plan.kernels, functionOf(this.#variant, name));
      if (name === "encode_image") for (const [io, offset, values] of patchCall([probeTile(tokens.length, this.#plan)], this.#plan, 0).words) this.#write(io, values, offset);
      else this.#writeTokens(tokens, position);
      const longest = this.#tell([firstAddition(tokens.length, position, this.shape.groups.length, name === "encode_image" ? new Int32Array(2 * tokens.length) : undefined)], 1, 0);
      for (let i = 0; i < times; i++) await this.#machine.run(name, tokens.length, longest, { steps });
      const [pointer = 0, size] = [this.#machine.layout.pointers[output], name === "encode_image" ? patchStateBytes(this.#plan) : hiddenBytes(this.#plan)];
      return this.#machine.memory.floats(pointer + (tokens.length - 1) * size, size / 4).slice();
    });
  }

  /** See `FirstLayer`. */
  head(hidden: Float32Array<ArrayBuffer>): Promise<Float32Array> {
    return this.#inTurn([], async () => {
      const { before, input } = headOf(this.#plan, this.#plan.kernels, functionOf(this.#variant, "decode"));
      this.#machine.memory.floats(this.#machine.layout.pointers[input] ?? 0, hidden.length).set(hidden);
      await this.#machine.run("decode", 1, 1, { before });
      return this.#floats("logits").slice(0, this.#plan.model.vocabSize);
    });
  }

  get layersOfStep(): number {
    return partsOfStep(this.#plan);
  }

  /** Tokens a second of one answer behind these tokens: a step takes as much longer than its first layer as it reads more weights. */
  async expectedSpeed(tokens: readonly number[]): Promise<number> {
    const layer = await layerTimeOfStep(this, tokens.at(-1) ?? 0, tokens.length - 1);
    return 1000 / (Math.max(layer, SHORTEST_MS) * this.layersOfStep);
  }

  learnPace(milliseconds: number): void {
    this.shape = { ...this.shape, tokenMs: milliseconds * layerCount(this.#plan) };
  }

  async logits(): Promise<Float32Array> {
    return this.#inTurn([], async () => this.#floats("logits").slice(0, this.#plan.model.vocabSize));
  }

  /** Ends what it computes on; calls under way reject. */
  dispose(): void {
    this.#machine.end();
  }

  /** Behind the calls before it, with the tokens' rows in their places, where the model has such. */
  #inTurn<T>(tokens: readonly (number | undefined)[], work: () => Promise<T>): Promise<T> {
    const reading = this.#rows?.read(tokens);
    reading?.catch(() => undefined); // it is told when its turn comes
    const result = this.#latest.then(async () => {
      for (const { io, bytes } of await reading ?? []) this.#write(io, bytes);
      return work();
    });
    this.#latest = result.catch(() => undefined);
    return result;
  }

  #place(name: string): Io {
    const io = this.#io.get(name);
    if (io === undefined) throw new RangeError(`no io buffer ${name}`);
    return io;
  }

  #write(name: string, words: ArrayBufferView, offset = 0): void {
    const { pointer, bytes } = this.#place(name);
    if (offset + words.byteLength > bytes) throw new RangeError(`${name} has no room for so much`);
    this.#machine.memory.bytes(pointer + offset, words.byteLength).set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  }

  #writeTokens(tokens: readonly number[], position: number): void {
    this.#write("tokens", Int32Array.from(tokens, told));
    if (this.shape.wholePictures === true) this.#write("ends", endsOf(tokens, position));
  }

  #writeVectors(vectors: readonly TokenVectors[] = []): void {
    for (const { at, values } of vectors) this.#write("vectors", values, at * (this.#place("vectors").bytes / this.shape.prefillChunk));
  }

  #floats(name: string): Float32Array<ArrayBuffer> {
    const { pointer, bytes } = this.#place(name);
    return this.#machine.memory.floats(pointer, bytes / 4);
  }

  #words(name: string): Int32Array<ArrayBuffer> {
    const { pointer, bytes } = this.#place(name);
    return this.#machine.memory.words(pointer, bytes / 4);
  }

  async #prefill(
    tokens: readonly number[], additions: readonly Addition[], { rows = 1, place = 0, isWanted }: { rows?: number; place?: number; isWanted?: (() => boolean) | undefined },
  ): Promise<void> {
    this.#writeTokens(tokens, additions[0]?.position ?? 0);
    await this.#machine.run("prefill", tokens.length, this.#tell(additions, rows, place), {}, isWanted);
  }

  /** Does the copies that are due and writes what a step is told of its tokens. Returns how many tokens the longest of their sequences has. */
  #tell(additions: readonly (Addition | null)[], n: number, place: number): number {
    const { pageSize, contextLength, ropes } = this.#plan.model;
    for (const one of additions) if (one !== null) this.#copyPages(one.cache.copies);
    this.#write("state", stateWords(additions, n, place, pageSize));
    const places = placesOf(additions);
    ropes.forEach((rope, i) => this.#write(`rope${i}`, rotaryTable(rope, places)));
    const pages = Math.ceil(contextLength / pageSize); // of a row's page table
    additions.forEach((one, row) => one?.cache.tables.forEach((table, group) => this.#write(`page_table${group}`, table, 4 * row * pages)));
    return Math.max(...places.map(({ position }) => position)) + 1;
  }

  /** `copies`: (group, source, destination). A page holds all layers of its group. */
  #copyPages(copies: Int32Array): void {
    const { memory, layout: { pools } } = this.#machine;
    for (let i = 0; i + 2 < copies.length; i += 3) {
      const { start = 0, pageBytes = 0 } = pools[copies[i] ?? 0] ?? {};
      const [from, to] = [copies[i + 1] ?? 0, copies[i + 2] ?? 0];
      memory.bytes(start + to * pageBytes, pageBytes).set(memory.bytes(start + from * pageBytes, pageBytes));
    }
  }

  /** Draws from the logits of a forward pass. */
  async #sample(rows: readonly (RowDraw | null)[], n: number, place: number): Promise<readonly StepResult[]> {
    const { vocabSize } = this.#plan.model;
    const hasLogprobs = rows.some((row) => row?.draw.topLogprobs !== undefined);
    if (hasLogprobs) await this.#machine.run("keep", n, 0);
    rows.forEach((row, i) => {
      if (row?.draw.process === undefined) return;
      const logits = this.#floats("logits").slice(i * vocabSize, (i + 1) * vocabSize); // a copy, which may be held and changed later
      row.draw.process(logits);
      this.#write("logits", logits, 4 * i * vocabSize);
    });
    const masks = rows.map((row) => row?.draw.mask?.());
    const words = Math.ceil(vocabSize / 32);
    masks.forEach((mask, row) => { if (mask !== undefined) this.#write("mask", mask.subarray(0, words), 4 * row * words); });
    rows.forEach((row) => row && this.#controls.hold(row));
    for (let row = 0; row < n; row++) {
      this.#write("sampling", wordsOf(rows[row] ?? null, masks[row] !== undefined), 4 * row * SAMPLING_WORDS);
    }
    if (rows.some((row, i) => row?.draw.controls !== undefined || masks[i] !== undefined)) await this.#machine.run("adjust", n, 0);
    await this.#machine.run("sample", n, 0);
    if (hasLogprobs) await this.#machine.run("logprobs", n, 0);
    return resultsOf(rows, this.#words("history").slice(place, place + n), this.#words("logprobs").slice(0, hasLogprobs ? n * LOGPROB_WORDS : 0));
  }
}
