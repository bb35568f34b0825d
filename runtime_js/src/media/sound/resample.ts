/** Sound at another rate. */

import type { Samples } from "./samples.ts";

/** Of the lower rate's half, what stays: as soxr's "HQ" has it, by which librosa and transformers resample. What is above the half is gone. */
const PASSED = 0.9137437;
/** Between two rates of which each has so many samples for some of the other, soxr has one filter. */
const FEW = 4;

interface Window {
  readonly beta: number;
  /** In samples of the lower rate. */
  readonly reach: number;
}

/**
 * Of soxr's sharpest filter. It has one more for each time that it halves the rate, and for rates of no small ratio, and demands more of each then. (What it makes
 * of the latter is by other filters, too, which round a thousandth away.)
 */
function windowOf(up: number, down: number): Window {
  const halvings = Math.max(0, Math.floor(Math.log2(down / up / 2)));
  const most = Math.max(up, down / 2 ** halvings);
  const filters = halvings + (most <= FEW ? 1 : 2);
  const [beta, reach] = [12.3685 + 0.67157 * filters, 91.296 + 4.956 * filters];
  if (most > FEW) return { beta, reach: reach + 0.7 };
  // In whole blocks of taps.
  const block = up === most ? 2 * up : 4;
  return { beta, reach: (Math.ceil(Math.ceil(2 * reach * most) / block) * block + 1) / 2 / most };
}

/** Modified Bessel function of the first kind, order 0, by its series. */
function bessel(x: number): number {
  let sum = 1;
  for (let term = 1, k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** By a windowed sinc (Kaiser's window) for each place that a new sample has between two old ones. */
export function resample({ values, rate: from }: Samples, to: number): Samples {
  if (from === to) return { values, rate: to };
  const divisor = gcd(from, to);
  const [up, down] = [to / divisor, from / divisor];
  const half = Math.min(from, to) / 2;
  const cutoff = (((PASSED + 1) / 2) * half) / from; // periods a sample
  const { beta, reach: ofLower } = windowOf(up, down);
  const reach = (ofLower * from) / Math.min(from, to);
  const taps = 2 * Math.ceil(reach) + 1;
  const scale = (2 * cutoff) / bessel(beta);
  const phase = (fraction: number): Float64Array => Float64Array.from({ length: taps }, (_, i) => {
    const distance = i - Math.ceil(reach) - fraction;
    if (Math.abs(distance) >= reach) return 0;
    const x = 2 * Math.PI * cutoff * distance;
    return scale * (x === 0 ? 1 : Math.sin(x) / x) * bessel(beta * Math.sqrt(1 - (distance / reach) ** 2));
  });
  const phases: (Float64Array | undefined)[] = new Array<Float64Array | undefined>(up);
  const out = new Float32Array(Math.round((values.length * up) / down));
  for (let i = 0; i < out.length; i++) {
    const place = i * down;
    const weights = (phases[place % up] ??= phase((place % up) / up));
    const begin = Math.floor(place / up) - Math.ceil(reach);
    let sum = 0;
    for (let tap = Math.max(0, -begin), end = Math.min(taps, values.length - begin); tap < end; tap++) sum += (weights[tap] ?? 0) * (values[begin + tap] ?? 0);
    out[i] = sum;
  }
  return { values: out, rate: to };
}
