/**
 * Resizes pictures as torchvision does (`resize` of uint8 with antialiasing, the default of transformers' processors), bit by bit: Pillow's two passes, columns
 * first, bytes between them, with weights of 16 bits and as many fraction bits as the largest leaves. (Pillow's have 22 bits: a pixel in a hundred differs by one.)
 */

import type { Size } from "./picture.ts";
import { Rgb, type PixelSource } from "./rgb.ts";

export const FILTERS = ["bilinear", "bicubic", "lanczos"] as const;
export type Filter = (typeof FILTERS)[number];

/** Rows that are asked of a source at a time. */
const STRIP = 128;

const cubic = (x: number): number => {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
};
const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Half the width of each, and its value at a distance. */
const KERNELS: Readonly<Record<Filter, readonly [support: number, value: (x: number) => number]>> = {
  bilinear: [1, (x) => Math.max(0, 1 - x)],
  bicubic: [2, cubic],
  lanczos: [3, (x) => (x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

/** How the pixels of a line become those of another: for each of the new ones where its `taps` begin, and their weights. */
interface Weights {
  readonly taps: number;
  readonly begins: Int32Array;
  /** int32[pixels, taps], with `bits` bits of fraction; zeros where a pixel has fewer. */
  readonly values: Int32Array;
  readonly bits: number;
}

/** Of float64, for tables too: each new pixel's first tap and its weights, which add up to one. */
export function floatWeights(from: number, to: number, filter: Filter): { readonly begin: number; readonly weights: readonly number[] }[] {
  const [support, value] = KERNELS[filter];
  const scale = from / to;
  const reach = support * Math.max(1, scale);
  const inverse = 1 / Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const center = scale * (i + 0.5);
    const begin = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const weights = Array.from({ length: end - begin }, (_, j) => value(Math.abs((j + begin - center + 0.5) * inverse)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { begin, weights: weights.map((weight) => weight / total) };
  });
}

function fixedWeights(from: number, to: number, filter: Filter): Weights {
  const pixels = floatWeights(from, to, filter);
  const taps = Math.max(...pixels.map(({ weights }) => weights.length));
  const largest = Math.max(...pixels.map(({ weights }) => Math.max(...weights)));
  let bits = 0;
  while (bits < 22 && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 2 ** 15) bits++;
  const begins = new Int32Array(to);
  const values = new Int32Array(to * taps);
  pixels.forEach(({ begin, weights }, i) => {
    // Taps that a pixel lacks weigh nothing, and lie where there is something to read.
    const first = Math.min(begin, from - taps);
    begins[i] = first;
    weights.forEach((weight, j) => {
      values[i * taps + begin - first + j] = Math.trunc(weight * 2 ** bits + (weight < 0 ? -0.5 : 0.5));
    });
  });
  return { taps, begins, values, bits };
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);

/** `rows` rows of `from` pixels at the start of `source` become rows of `to` pixels. */
function resampleColumns(source: Uint8Array, from: number, into: Uint8Array, to: number, rows: number, { taps, begins, values, bits }: Weights): void {
  const half = 1 << (bits - 1);
  for (let column = 0; column < to; column++) {
    const begin = 3 * (begins[column] ?? 0);
    const first = column * taps;
    for (let row = 0; row < rows; row++) {
      let at = 3 * from * row + begin;
      let red = half, green = half, blue = half;
      for (let tap = first; tap < first + taps; tap++, at += 3) {
        const weight = values[tap] ?? 0;
        red += weight * (source[at] ?? 0);
        green += weight * (source[at + 1] ?? 0);
        blue += weight * (source[at + 2] ?? 0);
      }
      const out = 3 * (to * row + column);
      into[out] = clamp(red >> bits);
      into[out + 1] = clamp(green >> bits);
      into[out + 2] = clamp(blue >> bits);
    }
  }
}

function resampleRows(source: Uint8Array, line: number, to: number, { taps, begins, values, bits }: Weights): Uint8Array<ArrayBuffer> {
  const into = new Uint8Array(line * to);
  const sums = new Int32Array(line);
  for (let row = 0; row < to; row++) {
    sums.fill(1 << (bits - 1));
    // Three at a time, so that sums are read and written less often.
    for (let tap = 0; tap < taps; tap += 3) {
      const weight = (i: number): number => (tap + i < taps ? values[row * taps + tap + i] ?? 0 : 0);
      const begin = (i: number): number => line * ((begins[row] ?? 0) + Math.min(tap + i, taps - 1));
      addRows(sums, source, begin(0), begin(1), begin(2), weight(0), weight(1), weight(2));
    }
    const out = row * line;
    for (let i = 0; i < line; i++) into[out + i] = clamp((sums[i] ?? 0) >> bits);
  }
  return into;
}

function addRows(sums: Int32Array, source: Uint8Array, a: number, b: number, c: number, weightA: number, weightB: number, weightC: number): void {
  for (let i = 0; i < sums.length; i++) {
    sums[i] = (sums[i] ?? 0) + weightA * (source[a + i] ?? 0) + weightB * (source[b + i] ?? 0) + weightC * (source[c + i] ?? 0);
  }
}

export function resize(source: PixelSource, { width, height }: Size, filter: Filter): Rgb {
  const narrow = new Uint8Array(3 * width * source.height);
  const columns = width === source.width ? null : fixedWeights(source.width, width, filter);
  for (let top = 0; top < source.height; top += STRIP) {
    const count = Math.min(STRIP, source.height - top);
    const into = narrow.subarray(3 * width * top, 3 * width * (top + count));
    const strip = source.rows(top, count);
    if (columns === null) into.set(strip);
    else resampleColumns(strip, source.width, into, width, count, columns);
  }
  if (height === source.height) return new Rgb(width, height, narrow);
  return new Rgb(width, height, resampleRows(narrow, 3 * width, height, fixedWeights(source.height, height, filter)));
}
