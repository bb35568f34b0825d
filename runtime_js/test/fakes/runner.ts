/**
 * A model without a GPU: its cache is pages of token ids, and the next token is a hash of all that the cache holds,
 * read through the page table. A wrong page, a stale token or a lost rollback changes every answer after it.
 */

import type { CacheView, ModelRunner, Row, RunnerShape, StepResult } from "../../src/executor/runner.ts";

export const VOCABULARY = 97;

/** The token after `tokens`. */
export function nextToken(tokens: readonly number[]): number {
  return tokens.reduce((hash, token, i) => (Math.imul(hash, 31) + Math.imul(token, i + 7)) >>> 0, 17) % VOCABULARY;
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

export class FakeRunner implements ModelRunner {
  readonly shape: RunnerShape;
  /** One entry a call: how many tokens it computed. */
  readonly calls: string[] = [];
  readonly #pages: Int32Array[] = [];
  readonly #maxPages: number;
  #sampled = -1;
  /** Steps that have not resolved. */
  pending = 0;
  deepestPipeline = 0;

  constructor(shape: RunnerShape, pages: number, maxPages: number) {
    this.shape = shape;
    this.#maxPages = maxPages;
    this.#grow(pages);
  }

  #grow(pages: number): void {
    while (this.#pages.length < pages) this.#pages.push(new Int32Array(this.shape.pageSize).fill(-1));
  }

  async reservePages(pages: number): Promise<number> {
    if (pages > this.#maxPages) throw new Error("out of memory");
    this.#grow(Math.max(pages, Math.min(2 * this.#pages.length, this.#maxPages)));
    return this.#pages.length;
  }

  async prefill(tokens: readonly number[], position: number, cache: CacheView): Promise<void> {
    this.calls.push(`prefill ${tokens.length}`);
    this.#store(tokens, position, cache);
  }

  prefillAndSample(tokens: readonly number[], position: number, cache: CacheView): Promise<StepResult> {
    this.calls.push(`prefill ${tokens.length}`);
    this.#store(tokens, position, cache);
    return this.#sample(position + tokens.length, cache);
  }

  async decode([row]: readonly Row[]): Promise<readonly StepResult[]> {
    if (row === undefined) throw new Error("no row");
    this.calls.push("decode");
    this.#store([row.token ?? this.#sampled], row.position, row.cache);
    return [await this.#sample(row.position + 1, row.cache)];
  }

  #at(cache: CacheView, position: number): { page: Int32Array; slot: number } {
    const page = this.#pages[cache.pages[Math.floor(position / this.shape.pageSize)] ?? -1];
    if (page === undefined) throw new Error(`no page for position ${position}`);
    return { page, slot: position % this.shape.pageSize };
  }

  #store(tokens: readonly number[], position: number, cache: CacheView): void {
    if (tokens.length > this.shape.prefillChunk) throw new Error("a prefill call is too long");
    if (position + tokens.length > this.shape.contextLength) throw new Error("beyond the context");
    for (let i = 0; i < cache.copies.length; i += 2) {
      this.#pages[cache.copies[i + 1] ?? -1]?.set(this.#pages[cache.copies[i] ?? -1] ?? []);
    }
    tokens.forEach((token, i) => {
      const { page, slot } = this.#at(cache, position + i);
      page[slot] = token;
    });
  }

  async #sample(length: number, cache: CacheView): Promise<StepResult> {
    const tokens = Array.from({ length }, (_, i) => {
      const { page, slot } = this.#at(cache, i);
      return page[slot] ?? -1;
    });
    const sampled = nextToken(tokens);
    this.#sampled = sampled;
    this.deepestPipeline = Math.max(this.deepestPipeline, ++this.pending);
    await new Promise((resolve) => { setTimeout(resolve, 0); });
    this.pending--;
    return { token: sampled };
  }
}
