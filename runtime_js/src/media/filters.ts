/** Pillow's filters. */

import type { Filter } from "./settings.ts";

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
