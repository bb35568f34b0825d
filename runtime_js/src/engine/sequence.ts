/** One conversation in the paged KV cache. The page tables live in wasm; this knows which tokens the pages hold. */

import { ABI_ERRORS, type WasmAbi } from "../executor/abi.generated.ts";
import { InternalError, OutOfMemoryError } from "../support/errors.ts";
import type { CacheView, ModelRunner } from "../executor/runner.ts";

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const difference = a.findIndex((token, i) => token !== b[i]);
  return difference < 0 ? a.length : difference;
}

export class Sequence {
  readonly #abi: WasmAbi;
  readonly #runner: ModelRunner;
  readonly #id: number;
  /** Known tokens in the cache. The cache may hold more: steps that were submitted before their token was read. */
  readonly #tokens: number[] = [];

  /** Starts the page pool over, with the pages that the runner has room for. */
  constructor(abi: WasmAbi, runner: ModelRunner, pages: number) {
    this.#abi = abi;
    this.#runner = runner;
    this.#call("kv_reset", abi.kv_reset(runner.shape.pageSize, pages));
    this.#id = this.#call("kv_new", abi.kv_new());
  }

  /** Tokens in the cache. */
  get length(): number {
    return this.#call("kv_length", this.#abi.kv_length(this.#id));
  }

  /** Keeps what a prompt has in common with the cache, but never the whole prompt: its last token must be computed. */
  reuse(prompt: readonly number[]): number {
    const kept = Math.min(commonPrefix(this.#tokens, prompt), prompt.length - 1);
    this.truncate(kept);
    return kept;
  }

  /** Makes room for `count` more tokens. Raises OutOfMemoryError; nothing has changed then. */
  async append(count: number): Promise<CacheView> {
    let copies = this.#abi.kv_append(this.#id, count);
    if (copies === ABI_ERRORS.OUT_OF_PAGES) {
      const pages = Math.ceil((this.length + count) / this.#runner.shape.pageSize);
      const missing = pages - this.#abi.kv_page_count(this.#id) - this.#abi.kv_available();
      this.#call("kv_grow", this.#abi.kv_grow(await this.#runner.reservePages(this.#abi.kv_capacity() + missing)));
      copies = this.#abi.kv_append(this.#id, count);
    }
    this.#call("kv_append", copies);
    return {
      pages: this.#view(this.#abi.kv_pages(this.#id), this.#abi.kv_page_count(this.#id)),
      copies: this.#view(this.#abi.kv_copies(), 2 * copies),
    };
  }

  /** Says which tokens the next places of the cache hold. */
  commit(tokens: readonly number[]): void {
    for (const token of tokens) this.#tokens.push(token);
  }

  /** Rolls the cache back to the tokens that are known. */
  trim(): void {
    this.truncate(Math.min(this.#tokens.length, this.length));
  }

  truncate(length: number): void {
    this.#call("kv_truncate", this.#abi.kv_truncate(this.#id, length));
    this.#tokens.length = length;
  }

  #view(pointer: number, words: number): Int32Array {
    return new Int32Array(this.#abi.memory.buffer, pointer, words);
  }

  #call(name: string, result: number): number {
    if (result === ABI_ERRORS.OUT_OF_PAGES) throw new OutOfMemoryError("The KV cache has no room for more tokens. Start a new chat.");
    if (result < 0) throw new InternalError(`${name} answered ${result}`);
    return result;
  }
}
