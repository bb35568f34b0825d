/**
 * A model without a GPU: its cache is pages of token ids, and the next token is a hash of all that the cache holds,
 * read through the page table. A wrong page, a stale token or a lost rollback changes every answer after it. With slots, a state is the
 * list of all tokens before, and a step that finds another one than its pages hold fails. What it samples it reads in the first group of layers,
 * which sees all; what a token sees in groups with a window must be the same there. With `longestAlike`, all of what a long sequence samples from
 * must have been computed as such, and nothing of a short one. A token with a negative id is to it what its vector says (`seenAs`). If asked, what it
 * samples depends on the noise of the place (`isNoisy`), and what it sees of a token on its positions by axis (`turned`).
 */

import { AbortError, OutOfMemoryError } from "../../src/support/errors.ts";
import { SEED_WORD, STEP_WORD } from "../../src/executor/abi.generated.ts";
import type { CacheView, Draw, ModelRunner, Row, RunnerShape, StepResult, TokenVectors } from "../../src/executor/runner.ts";
import { FakeControls } from "./logits.ts";

export const VOCABULARY = 97;
/** Beside a token in a page, that it was computed as one of a long sequence. */
const IN_LONG = 1 << 16;

/** What a token with this vector, of a picture of this number, is to the model: no word of its vocabulary. */
export function seenAs([picture = 0, place = 0]: readonly number[]): number {
  return 1000 + 100 * picture + place;
}

/** What a token at a place is, to a model whose tokens have positions by axis: itself where these are its place. */
export function turned(token: number, place: number, turns: Int32Array | undefined, at: number): number {
  if (turns === undefined) return token;
  return [5, 3, 2].reduce((sum, weight, axis) => sum + weight * Math.abs((turns[3 * at + axis] ?? -1) - place), token);
}

/** What a place's noise adds to the token that is drawn there; greedy steps have none. */
export function noiseOf(sampling: Uint32Array): number {
  const [temperature = 0] = new Float32Array(sampling.buffer, sampling.byteOffset, 1);
  return temperature === 0 ? 0 : (Math.imul(sampling[SEED_WORD] ?? 0, 7) + Math.imul(sampling[STEP_WORD] ?? 0, 0x9e3779b1)) >>> 8;
}

/** The token after `tokens`. */
export function nextToken(tokens: readonly number[], noise = 0): number {
  let hash = 17;
  for (let i = 0; i < tokens.length; i++) hash = (Math.imul(hash, 31) + Math.imul(tokens[i] ?? 0, i + 7)) >>> 0;
  return (hash + noise) % VOCABULARY;
}

/** The logits behind `tokens`: the next token has the largest, and the ids behind it follow. */
export function logitsAfter(tokens: readonly number[], size: number, noise = 0): Float32Array {
  const next = nextToken(tokens, noise);
  const logits = new Float32Array(size);
  for (let token = 0; token < size; token++) logits[token] = 4 - (token - next + size) % size;
  return logits;
}

/** A token's state: what comes behind it, where it is, what it is. */
function stateAt(tokens: readonly number[], position: number): number[] {
  return [nextToken(tokens.slice(0, position + 1)), position, tokens[position] ?? -1, 1];
}

/** The states of the tokens from `first` on. */
export function pooled(tokens: readonly number[], first: number): { readonly last: Float32Array; readonly sum: Float32Array } {
  const states = tokens.slice(first).map((_, i) => stateAt(tokens, first + i));
  const sum = [0, 1, 2, 3].map((channel) => states.reduce((total, state) => total + (state[channel] ?? 0), 0));
  return { last: Float32Array.from(states.at(-1) ?? []), sum: Float32Array.from(sum) };
}

/** What the model answers when it is run in the plainest way. */
export function reference(prompt: readonly number[], count: number, eos: ReadonlySet<number>): number[] {
  const tokens = [...prompt];
  for (let i = 0; i < count; i++) {
    tokens.push(nextToken(tokens));
    if (eos.has(tokens.at(-1) ?? -1)) break;
  }
  return tokens.slice(prompt.length);
}

/** A row behind its tokens. `counted`: how many of them are the answer's where `draw` does not say. */
interface Sampled {
  readonly draw: Draw;
  readonly tokens: readonly number[];
  readonly counted: number;
  readonly length: number;
  readonly cache: CacheView;
}

/** The cache does not hold what a step needs. */
export class Mismatch extends Error {}

export class FakeRunner implements ModelRunner {
  readonly shape: RunnerShape;
  /** One entry a call: how many tokens it computed. */
  readonly calls: string[] = [];
  /** By group. */
  readonly #pages: readonly Int32Array[][];
  readonly #states: (readonly number[] | undefined)[] = [];
  /** Of each place in a page, and of each slot, the call that wrote it last. */
  readonly #writers = new Map<Int32Array, Int32Array>();
  readonly #stateWriters: number[] = [];
  #call = 0;
  readonly #maxPages: number;
  /** By row, what it sampled last. */
  #sampled: readonly number[] = [];
  readonly #controls = new FakeControls();
  readonly #preparedRows = new Set([1]);
  /** Steps that have not resolved. */
  pending = 0;
  /** Of every picture, where they must come in one call. */
  pictureTokens = 0;
  /** Tokens that there are logits of. */
  vocabulary = VOCABULARY;
  deepestPipeline = 0;
  isNoisy = false;
  isTurned = false;
  /** What the model says next, whatever is asked of it. */
  script: ((tokens: readonly number[]) => number) | null = null;
  /** Whether a call is left as it would be done, where nobody wants it any more: what it wrote is not there then. */
  leaves = false;
  /** The same of a chunk behind which nothing is sampled. */
  chunkDelay: () => Promise<void> = () => Promise.resolve();
  /** How long a step takes, or with what it fails. */
  delay: () => Promise<void> = () => new Promise((resolve) => { setTimeout(resolve, 0); });

  /** How long kernels compile, or with what that fails. */
  compiling: () => Promise<void> = () => Promise.resolve();

  constructor(shape: RunnerShape, pages: number, maxPages: number) {
    this.shape = shape;
    this.#maxPages = maxPages;
    this.#pages = shape.groups.map(() => []);
    shape.groups.forEach((_, group) => this.#grow(group, pages));
  }

  #grow(group: number, count: number): number {
    const pages = this.#pages[group] ?? [];
    while (pages.length < count) pages.push(new Int32Array(this.shape.pageSize).fill(-1));
    return pages.length;
  }

  async reservePages(group: number, pages: number): Promise<number> {
    if (pages > this.#maxPages) throw new OutOfMemoryError("no room");
    const one = this.shape.groups[group]?.pages ?? 0;
    return this.#grow(group, Math.min(this.#maxPages, pages <= one ? Math.max(pages, Math.min(2 * this.#grow(group, 0), one)) : pages + (one >> 2)));
  }

  /** The tokens as the model sees them. */
  #seen(tokens: readonly number[], vectors: readonly TokenVectors[] = []): number[] {
    const seen = [...tokens];
    for (const { at, values } of vectors) for (let i = 0; 2 * i < values.length; i++) seen[at + i] = seenAs([...values.subarray(2 * i, 2 * i + 2)]);
    if (this.shape.wholePictures === true) this.#checkWhole(tokens);
    const bare = seen.find((token) => token < 0);
    if (bare !== undefined) throw new Error(`token ${bare} has no vector`);
    return seen;
  }

  /** A run of a picture's tokens is all of them. */
  #checkWhole(tokens: readonly number[]): void {
    for (let at = 0; at < tokens.length; at++) {
      if ((tokens[at] ?? 0) >= 0) continue;
      const begin = at;
      while ((tokens[at + 1] ?? 0) < 0) at++;
      if (at + 1 - begin !== this.pictureTokens) throw new Error(`${at + 1 - begin} tokens of a picture come without the others`);
    }
  }

  async prefill(
    tokens: readonly number[], position: number, cache: CacheView, vectors?: readonly TokenVectors[], isWanted: () => boolean = () => true,
  ): Promise<void> {
    this.calls.push(`prefill ${tokens.length}`);
    const call = this.#store(this.#seen(tokens, vectors), position, cache);
    this.#sampled = []; // the prompt's tokens are in their places
    await this.chunkDelay();
    this.#leave(call, isWanted);
  }

  #leave(call: number, isWanted: () => boolean): void {
    if (!this.leaves || isWanted()) return;
    for (const [page, writers] of this.#writers) writers.forEach((writer, slot) => { if (writer === call) page[slot] = -1; });
    this.#stateWriters.forEach((writer, slot) => { if (writer === call) this.#states[slot] = [-1]; });
    this.calls.push("left");
    throw new AbortError("Nobody waits for this any more.");
  }

  async encode(tokens: readonly number[], position: number, cache: CacheView, texts?: readonly number[]): Promise<Float32Array> {
    if (texts !== undefined) return this.#encodeTexts(tokens, texts);
    this.calls.push(`encode ${tokens.length}`);
    this.#store(tokens, position, cache);
    this.#sampled = [];
    const all = this.#read(position + tokens.length, cache, cache.isLong); // the prompt may be longer
    await this.delay();
    const { last, sum } = pooled(all, position);
    return Float32Array.of(...last, ...sum);
  }

  /** Each from a page's begin on. */
  async #encodeTexts(tokens: readonly number[], texts: readonly number[]): Promise<Float32Array> {
    if (texts.length > (this.shape.mostTexts ?? 1)) throw new Error("too many texts");
    this.calls.push(`encode ${texts.join("+")}`);
    let end = 0;
    const vectors = texts.map((length) => {
      const begin = Math.ceil(end / this.shape.pageSize) * this.shape.pageSize;
      end = begin + length;
      const { last, sum } = pooled(tokens.slice(begin, end), 0);
      return [...last, ...sum];
    });
    if (end !== tokens.length) throw new Error("texts are not where they begin");
    await this.delay();
    return Float32Array.from(vectors.flat());
  }

  async prefillAndSample(
    tokens: readonly number[], position: number, cache: CacheView, draw: Draw, vectors?: readonly TokenVectors[], isWanted: () => boolean = () => true,
  ): Promise<StepResult> {
    this.calls.push(`prefill ${tokens.length}`);
    const call = this.#store(this.#seen(tokens, vectors), position, cache);
    const [result] = await this.#sample([{ draw, tokens, counted: 0, length: position + tokens.length, cache }]);
    this.#leave(call, isWanted);
    if (result === undefined) throw new Error("no row");
    return result;
  }

  async decode(rows: readonly (Row | null)[], carried = 0): Promise<readonly StepResult[]> {
    const count = this.shape.rowCounts.find((n) => n >= rows.length);
    if (rows.length === 0 || count === undefined) throw new Error(`${rows.length} rows`);
    if (!this.#preparedRows.has(count)) throw new Error(`a step of ${count} rows waits for its kernels`);
    this.calls.push(rows.length === 1 ? "decode" : `decode ${rows.length}`);
    if (this.shape.needsTokens === true && rows.some((row) => row !== null && row.token === undefined)) throw new Error("a row has no token");
    const given = rows.map((row, r) => row?.token ?? this.#sampled[r] ?? -1);
    rows.forEach((row, r) => { if (row !== null) this.#store([given[r] ?? -1], row.position, row.cache); });
    return this.#sample(rows.map((row, r) => (
      row === null ? null : { draw: row, tokens: [given[r] ?? -1], counted: 1, length: row.position + 1, cache: row.cache })), carried);
  }

  async prepare(rows: number): Promise<void> {
    const count = this.shape.rowCounts.find((n) => n >= rows) ?? 0;
    this.calls.push(`prepare ${count}`);
    await this.compiling();
    this.#preparedRows.add(count);
  }

  #at(cache: CacheView, position: number, group = 0): { page: Int32Array; slot: number } {
    const page = this.#pages[group]?.[cache.tables[group]?.[Math.floor(position / this.shape.pageSize)] ?? -1];
    if (page === undefined) throw new Error(`group ${group} has no page for position ${position}`);
    return { page, slot: position % this.shape.pageSize };
  }

  #stored(length: number, cache: CacheView): number[] {
    const { pageSize } = this.shape;
    const tokens: number[] = [];
    for (let begin = 0; begin < length; begin += pageSize) {
      const { page } = this.#at(cache, begin);
      for (let i = 0; i < pageSize && begin + i < length; i++) tokens.push(page[i] ?? -1);
    }
    return tokens;
  }

  #read(length: number, cache: CacheView, isLong = length > (this.shape.longestAlike ?? Infinity)): number[] {
    const tokens = this.#stored(length, cache);
    for (const [i, stored] of tokens.entries()) {
      if (stored >= IN_LONG !== isLong) throw new Mismatch(`the token at ${i} of ${length} was computed otherwise`);
      tokens[i] = stored % IN_LONG;
    }
    return tokens;
  }

  #writersOf(page: Int32Array): Int32Array {
    const writers = this.#writers.get(page) ?? new Int32Array(page.length);
    this.#writers.set(page, writers);
    return writers;
  }

  /** Gives the call's number. */
  #store(given: readonly number[], position: number, cache: CacheView): number {
    const call = ++this.#call;
    const tokens = this.isTurned ? given.map((token, i) => turned(token, position + i, cache.turns, i)) : given;
    if (tokens.length > this.shape.prefillChunk) throw new Error("a prefill call is too long");
    if (position + tokens.length > this.shape.contextLength) throw new Error("beyond the context");
    for (let i = 0; i < cache.copies.length; i += 3) {
      const pages = this.#pages[cache.copies[i] ?? -1];
      const [from, to] = [pages?.[cache.copies[i + 1] ?? -1], pages?.[cache.copies[i + 2] ?? -1]];
      if (from === undefined || to === undefined) continue;
      to.set(from);
      this.#writersOf(to).set(this.#writersOf(from));
    }
    for (const [group, { window }] of this.shape.groups.entries()) {
      tokens.forEach((token, i) => {
        const { page, slot } = this.#at(cache, position + i, group);
        page[slot] = token + (cache.isLong === true ? IN_LONG : 0);
        this.#writersOf(page)[slot] = call;
      });
      for (let seen = Math.max(0, position - (window ?? 1) + 1); seen < position; seen++) {
        const [own, first] = [this.#at(cache, seen, group), this.#at(cache, seen)];
        if (own.page[own.slot] !== first.page[first.slot]) throw new Mismatch(`group ${group} has another token at ${seen}`);
      }
    }
    if (this.shape.slots > 0) this.#continue(tokens, position, cache, call);
    return call;
  }

  /** The state after the tokens, from the one before them. */
  #continue(tokens: readonly number[], position: number, cache: CacheView, call: number): void {
    const { read = -1, write = -1 } = cache.slots ?? {};
    const before = read < 0 ? [] : this.#states[read] ?? [];
    const held = this.#stored(position, cache).map((token) => token % IN_LONG);
    if (write < 0 || write >= this.shape.slots || write === read) throw new Error(`a step reads slot ${read} and writes slot ${write}`);
    if (before.join() !== held.join()) throw new Mismatch(`slot ${read} has the state after ${before.join()}, and not after ${held.join()}`);
    this.#states[write] = [...before, ...tokens];
    this.#stateWriters[write] = call;
  }

  async #sample(rows: readonly (Sampled | null)[], carried = 0): Promise<StepResult[]> {
    const sampled = rows.map((row) => {
      if (row === null || row.draw.sampling.every((word) => word === 0)) return { token: -1 }; // it draws nothing
      const tokens = this.#read(row.length, row.cache);
      if (this.script !== null) return { token: this.script(tokens), ...(row.draw.topLogprobs !== undefined && { logprobs: { chosen: 0, top: [] } }) };
      return this.#controls.choose(logitsAfter(tokens, this.vocabulary, this.isNoisy ? noiseOf(row.draw.sampling) : 0), row.draw, row.tokens, row.counted);
    });
    this.#sampled = sampled.map(({ token }, row) => (row === 0 ? sampled[carried]?.token ?? token : token));
    this.deepestPipeline = Math.max(this.deepestPipeline, ++this.pending);
    await this.delay();
    this.pending--;
    return sampled;
  }
}
