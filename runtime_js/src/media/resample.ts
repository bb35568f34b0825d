/// <reference path="../support/inline.d.ts" />
/**
 * Resizes pictures as torchvision does (`resize` of uint8 with antialiasing, the default of transformers' processors), bit by bit: Pillow's two passes, columns
 * first, bytes between them, with weights of 16 bits and as many fraction bits as the largest leaves. (Pillow's have 22 bits: a pixel in a hundred differs by one.)
 */

import { InternalError } from "../support/errors.ts";
import { floatWeights } from "./filters.ts";
import type { Size } from "./picture.ts";
import { Rgb, type PixelSource } from "./rgb.ts";
import type { Filter } from "./settings.ts";
import code from "wat:./resample.wat";

/** Rows that are asked of a source at a time. */
const STRIP = 128;

/** How the pixels of a line become those of another. */
interface Weights {
  /** A multiple of what the pass takes at a time. */
  readonly taps: number;
  /** int32[pixels]: the first tap of each. */
  readonly begins: Int32Array;
  /** int16[pixels, taps], with `bits` bits of fraction; zeros where a pixel has fewer. */
  readonly values: Int16Array;
  readonly bits: number;
}

function fixedWeights(from: number, to: number, filter: Filter, atATime: number): Weights {
  const pixels = floatWeights(from, to, filter);
  const taps = atATime * Math.ceil(Math.max(...pixels.map(({ weights }) => weights.length)) / atATime);
  const largest = Math.max(...pixels.map(({ weights }) => Math.max(...weights)));
  let bits = 0;
  while (bits < 22 && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 2 ** 15) bits++;
  const values = new Int16Array(to * taps);
  pixels.forEach(({ weights }, i) => weights.forEach((weight, j) => {
    values[i * taps + j] = Math.trunc(weight * 2 ** bits + (weight < 0 ? -0.5 : 0.5));
  }));
  return { taps, begins: Int32Array.from(pixels, ({ begin }) => begin), values, bits };
}

let module: WebAssembly.Module | undefined;

/** resample.wat, in memory of its own, which ends with the resize. Addresses are multiples of 16. */
class Kernels {
  readonly #memory: WebAssembly.Memory;
  readonly #columns: CallableFunction;
  readonly #rows: CallableFunction;
  #end = 0;

  constructor() {
    module ??= new WebAssembly.Module(code);
    const { memory, columns, rows } = new WebAssembly.Instance(module).exports;
    if (!(memory instanceof WebAssembly.Memory) || typeof columns !== "function" || typeof rows !== "function") throw new InternalError("resample.wat is another one.");
    [this.#memory, this.#columns, this.#rows] = [memory, columns, rows];
  }

  /** Raises RangeError where there is no memory. */
  allocate(bytes: number): number {
    const begin = this.#end;
    this.#end += 16 * Math.ceil(bytes / 16);
    const missing = Math.ceil((this.#end - this.#memory.buffer.byteLength) / 65_536);
    if (missing > 0) this.#memory.grow(missing);
    return begin;
  }

  bytes(begin: number, length: number): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#memory;
    if (!(buffer instanceof ArrayBuffer)) throw new InternalError("The memory of resample.wat is shared.");
    return new Uint8Array(buffer, begin, length);
  }

  #place(numbers: Int32Array | Int16Array): number {
    const begin = this.allocate(numbers.byteLength);
    this.bytes(begin, numbers.byteLength).set(new Uint8Array(numbers.buffer));
    return begin;
  }

  /** What makes rows of `to` pixels at `into`, `step` bytes apart, of rows at `source`, `stride` bytes apart. */
  columns({ taps, begins, values, bits }: Weights, source: number, stride: number, to: number, step: number): (rows: number, into: number) => void {
    const [first, weights] = [this.#place(begins), this.#place(values)];
    return (rows, into) => void this.#columns(source, stride, rows, first, weights, taps, to, bits, into, step);
  }

  rows({ taps, begins, values, bits }: Weights, source: number, stride: number, to: number, into: number): void {
    this.#rows(source, stride, this.#place(begins), this.#place(values), taps, to, bits, into);
  }
}

/** Raises RangeError where there is no memory for it. */
export function resize(source: PixelSource, { width, height }: Size, filter: Filter): Rgb {
  const kernels = new Kernels();
  const columns = width === source.width ? null : fixedWeights(source.width, width, filter, 4);
  const rows = height === source.height ? null : fixedWeights(source.height, height, filter, 2);
  const line = 3 * width;
  const step = 16 * Math.ceil((line + 4) / 16);
  const narrow = kernels.allocate(step * (source.height + (rows?.taps ?? 0)));
  const strip = kernels.allocate(columns === null ? 0 : 3 * source.width * STRIP + 12 * columns.taps + 16);
  const run = columns === null ? null : kernels.columns(columns, strip, 3 * source.width, width, step);
  for (let top = 0; top < source.height; top += STRIP) {
    const count = Math.min(STRIP, source.height - top);
    const pixels = source.rows(top, count);
    if (run !== null) {
      kernels.bytes(strip, pixels.length).set(pixels);
      run(count, narrow + step * top);
    } else {
      for (let row = 0; row < count; row++) kernels.bytes(narrow + step * (top + row), line).set(pixels.subarray(line * row, line * (row + 1)));
    }
  }
  const made = rows === null ? narrow : kernels.allocate(step * height);
  if (rows !== null) kernels.rows(rows, narrow, step, height, made);
  const data = new Uint8Array(line * height);
  for (let row = 0; row < height; row++) data.set(kernels.bytes(made + step * row, line), line * row);
  return new Rgb(width, height, data);
}
