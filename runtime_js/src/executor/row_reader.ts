/** Rows of weights that stay in storage: those of a step's tokens are read before it is submitted. */

import type { TensorEntry } from "../storage/manifest.ts";
import type { WeightRanges } from "../storage/weight_ranges.ts";
import type { PlanHead, StoredWeight } from "./plan.ts";

/** Rows of tokens that came lately are kept: a text says the same words again and again. */
const CACHE_BYTES = 1 << 24;

/** What an io buffer is to hold: the rows of a step's tokens, one behind the other. */
export interface TokenRows {
  readonly io: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where the weight stream has what stays in storage; Infinity: nowhere. */
export function storedFrom({ weights, stored }: Pick<PlanHead, "weights" | "stored">, tensors: readonly TensorEntry[]): number {
  return stored.length > 0 ? tensors[weights.length]?.offset ?? Infinity : Infinity;
}

/** Undefined where a model has no such weights. */
export function rowReader({ weights, stored }: Pick<PlanHead, "weights" | "stored">, tensors: readonly TensorEntry[], ranges: Ranges): RowReader | undefined {
  return stored.length > 0 ? new RowReader(stored, tensors.slice(weights.length), ranges) : undefined;
}

type Ranges = Pick<WeightRanges, "read">;

export class RowReader {
  readonly #stored: readonly (StoredWeight & { readonly offset: number })[];
  readonly #ranges: Ranges;
  /** By token, the rows of all weights; those that were wanted last come last. */
  readonly #cache = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #rowBytes: number;
  /** Done when the latest call has begun. */
  #latest: Promise<void> = Promise.resolve();

  /** `tensors`: where each of the weights lies. */
  constructor(stored: readonly StoredWeight[], tensors: readonly TensorEntry[], ranges: Ranges) {
    this.#stored = stored.map((weight, i) => ({ ...weight, offset: tensors[i]?.offset ?? 0 }));
    this.#rowBytes = stored.reduce((sum, { rowBytes }) => sum + rowBytes, 0);
    this.#ranges = ranges;
  }

  /** Calls `use` with the rows of these tokens, of which undefined has none. Rows are read at once; calls are made in their order. */
  async inTurn<T>(tokens: readonly (number | undefined)[], use: (rows: readonly TokenRows[]) => Promise<T>): Promise<T> {
    const reading = this.read(tokens);
    reading.catch(() => undefined); // it is told when its turn comes
    const before = this.#latest;
    let begun = (): void => undefined;
    this.#latest = new Promise<void>((resolve) => { begun = resolve; });
    try {
      await before;
      return use(await reading);
    } finally {
      begun();
    }
  }

  /** Raises DownloadError where a shard is gone, and cannot be fetched again. */
  async read(tokens: readonly (number | undefined)[]): Promise<readonly TokenRows[]> {
    const wanted = [...new Set(tokens.flatMap((token) => token ?? []))].sort((a, b) => a - b); // as they lie in the files
    const found = new Map(wanted.map((token) => [token, this.#cache.get(token) ?? new Uint8Array(this.#rowBytes)]));
    await Promise.all([...found].flatMap(([token, row]) => (this.#cache.has(token) ? [] : this.#parts(row).map((part, i) => this.#readPart(i, token, part)))));
    for (const [token, row] of found) this.#remember(token, row);
    let from = 0;
    return this.#stored.map(({ io, rowBytes }) => {
      const bytes = new Uint8Array(tokens.length * rowBytes);
      tokens.forEach((token, i) => {
        if (token !== undefined) bytes.set(found.get(token)?.subarray(from, from + rowBytes) ?? [], i * rowBytes);
      });
      from += rowBytes;
      return { io, bytes };
    });
  }

  /** A token's row of each weight. */
  #parts(row: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    let end = 0;
    return this.#stored.map(({ rowBytes }) => row.subarray(end, end += rowBytes));
  }

  #readPart(index: number, token: number, into: Uint8Array<ArrayBuffer>): Promise<void> | void {
    const { offset = 0, bytes = 0, rowBytes = 1 } = this.#stored[index] ?? {};
    const row = Math.max(0, Math.min(token, bytes / rowBytes - 1)); // as of a table on the GPU, the nearest
    return this.#ranges.read(offset + row * rowBytes, into);
  }

  #remember(token: number, row: Uint8Array<ArrayBuffer>): void {
    this.#cache.delete(token);
    this.#cache.set(token, row);
    for (const [oldest] of this.#cache) {
      if (this.#cache.size * this.#rowBytes <= CACHE_BYTES) return;
      this.#cache.delete(oldest);
    }
  }
}
