/** The wasm memory of a model: made once with its weights' places, and enlarged where it is, as conversations grow. */

import { OutOfMemoryError } from "../../support/errors.ts";
import { formatBytes } from "../../support/format.ts";
import { MAX_ROWS } from "../abi.generated.ts";
import type { MemoryEstimate } from "../memory_estimate.ts";
import { groupsOf } from "../groups.ts";
import type { FixedLayout, Pool } from "./layout.ts";
import { BEYOND, layFixed, layOut } from "./layout.ts";
import { WASM_PAGE, type CpuLibrary } from "./library.ts";
import type { CpuPlan, CpuVariant } from "./plan.ts";

/** What a 32-bit address reaches, but for the last page: a pointer behind the end must be a number too. */
const MOST_PAGES = 65_535;
const LESS = "Close other pages, or load with a smaller context window or a smaller model.";

function wasmPages(bytes: number): number {
  return Math.ceil(bytes / WASM_PAGE);
}

/** What a model will take; `contextLength` as asked for. */
export function estimateCpu(plan: CpuPlan, variant: CpuVariant, ownBytes: number, threads: number, contextLength: number | undefined): MemoryEstimate {
  const length = Math.min(contextLength ?? plan.model.contextLength, plan.model.contextLength);
  const { pools, growing } = layOut(plan, variant, layFixed(plan, ownBytes, threads), length);
  const weights = plan.weights.reduce((sum, { bytes }) => sum + bytes, 0);
  const parts = groupsOf(plan.states, length, plan.model).map(({ pages }, group) => pages * (pools[group]?.pageBytes ?? 0));
  const cache = parts.reduce((sum, bytes) => sum + bytes, 0);
  const total = growing.start + (parts[pools.indexOf(growing)] ?? 0);
  return { weights, cache, workspace: total - weights - cache, total, contextLength: length };
}

/** Raises OutOfMemoryError where it is more than WebAssembly can address. */
export function checkAddressable({ total, weights, cache, contextLength }: MemoryEstimate): void {
  const most = MOST_PAGES * WASM_PAGE;
  if (total <= most) return;
  throw new OutOfMemoryError(
    `On the CPU the model needs ${formatBytes(total)} (weights ${formatBytes(weights)}, cache of ${contextLength} tokens ${formatBytes(cache)}), `
    + `and WebAssembly has ${formatBytes(most)} at most. Load with a smaller context window, take a smaller model, or a browser with WebGPU.`,
    { needed: total, available: most });
}

/** How many of so many bytes there would be. */
export function tryCpuMemory(bytes: number): number {
  try {
    new WebAssembly.Memory({ initial: wasmPages(bytes) }); // nothing is written there, and so nothing is taken
    return bytes;
  } catch {
    return 0;
  }
}

export class CpuMemory {
  readonly memory: WebAssembly.Memory;
  readonly fixed: FixedLayout;
  readonly contextLength: number;
  readonly #maximum: number;

  private constructor(memory: WebAssembly.Memory, fixed: FixedLayout, contextLength: number, maximum: number) {
    [this.memory, this.fixed, this.contextLength, this.#maximum] = [memory, fixed, contextLength, maximum];
  }

  /**
   * Room for the weights and the rest of a variant, with `pages` pages; it may grow to what all rows' conversations need, or where the
   * machine does not promise so much, to one. `room`: as layFixed takes it. Raises OutOfMemoryError.
   */
  static make({ plan, ownBytes, isShared }: CpuLibrary, variant: CpuVariant, threads: number, pages: number, contextLength: number, room?: number): CpuMemory {
    const fixed = layFixed(plan, ownBytes, threads, room);
    const { growing } = layOut(plan, variant, fixed, contextLength);
    const context = Math.ceil(contextLength / plan.model.pageSize);
    const bytes = (count: number): number => Math.min(MOST_PAGES, wasmPages(growing.start + count * growing.pageBytes + BEYOND));
    const initial = bytes(pages);
    for (const maximum of [bytes(MAX_ROWS * context), bytes(context), initial]) {
      try {
        return new CpuMemory(new WebAssembly.Memory({ initial, maximum, shared: isShared }), fixed, contextLength, maximum);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    throw new OutOfMemoryError(`This browser has no room for the model (${formatBytes(initial * WASM_PAGE)}). ${LESS}`, { bytes: initial * WASM_PAGE });
  }

  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }

  words(pointer: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.memory.buffer, pointer, length);
  }

  floats(pointer: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  /** Pages that a pool may have at most, and now. */
  mostPages({ start, pageBytes, pages }: Pool): number {
    return pages ?? Math.floor((this.#maximum * WASM_PAGE - start - BEYOND) / pageBytes);
  }

  pages({ start, pageBytes, pages }: Pool): number {
    return pages ?? Math.floor((this.memory.buffer.byteLength - start - BEYOND) / pageBytes);
  }

  /** Makes room for so many pages, at most `mostPages`; what is there stays in its place. Raises OutOfMemoryError. */
  growTo({ start, pageBytes }: Pool, count: number): void {
    const missing = wasmPages(start + count * pageBytes + BEYOND) - this.memory.buffer.byteLength / WASM_PAGE;
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new OutOfMemoryError(`This browser has no room for a longer conversation (${formatBytes(count * pageBytes)}). ${LESS}`, { bytes: count * pageBytes });
    }
  }
}

