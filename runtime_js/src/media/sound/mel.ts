/** Log-mel spectra, as Gemma4AudioFeatureExtractor of transformers makes them. */

import type { SoundSettings } from "./settings.ts";

/** Discrete Fourier transform of real numbers in place, by halves; re, im: a power of two of them. */
function fft(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j] ?? 0, re[i] ?? 0, im[j] ?? 0, im[i] ?? 0];
  }
  for (let size = 2; size <= n; size *= 2) {
    const angle = (-2 * Math.PI) / size;
    for (let k = 0; k < size / 2; k++) {
      const [c, s] = [Math.cos(angle * k), Math.sin(angle * k)];
      for (let a = k; a < n; a += size) {
        const b = a + size / 2;
        const [x, y] = [re[b] ?? 0, im[b] ?? 0];
        const [tr, ti] = [x * c - y * s, x * s + y * c];
        const [ar, ai] = [re[a] ?? 0, im[a] ?? 0];
        re[b] = ar - tr;
        im[b] = ai - ti;
        re[a] = ar + tr;
        im[a] = ai + ti;
      }
    }
  }
}

const toMel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
const toHertz = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** Of each bin the lines of the spectrum that it has, as [first, weights]: triangles whose corners are even on the mel scale. */
function melFilters({ bins, fft: size, low, high, rate }: SoundSettings): { readonly first: number; readonly weights: readonly number[] }[] {
  const corners = Array.from({ length: bins + 2 }, (_, i) => toHertz(toMel(low) + ((toMel(high) - toMel(low)) * i) / (bins + 1)));
  return Array.from({ length: bins }, (_, bin) => {
    const [left = 0, middle = 0, right = 0] = corners.slice(bin, bin + 3);
    const weights = Array.from({ length: size / 2 + 1 }, (_, line) => {
      const hertz = (line * Math.floor(rate / 2)) / (size / 2);
      return Math.max(0, Math.min((hertz - left) / (middle - left), (right - hertz) / (right - middle)));
    });
    const first = Math.max(0, weights.findIndex((weight) => weight > 0));
    return { first, weights: weights.slice(first, weights.findLastIndex((weight) => weight > 0) + 1) };
  });
}

/** Frames that lie wholly within so many samples; the first is in the middle of silence before them. */
export function frameCount({ frame, hop }: SoundSettings, samples: number): number {
  return Math.max(0, Math.floor((samples + Math.floor(frame / 2) - (frame + 1)) / hop) + 1);
}

/** float32[frames, bins]. */
export function logMel(samples: Float32Array, settings: SoundSettings): Float32Array<ArrayBuffer> {
  const { frame, hop, fft: size, bins, floor } = settings;
  const window = Float64Array.from({ length: frame }, (_, i) => Math.fround(0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frame)));
  const filters = melFilters(settings);
  const count = frameCount(settings, samples.length);
  const features = new Float32Array(count * bins);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  const magnitudes = new Float64Array(size / 2 + 1);
  for (let index = 0; index < count; index++) {
    const begin = index * hop - Math.floor(frame / 2);
    re.fill(0);
    im.fill(0);
    for (let i = Math.max(0, -begin); i < frame; i++) re[i] = (samples[begin + i] ?? 0) * (window[i] ?? 0);
    fft(re, im);
    for (let line = 0; line <= size / 2; line++) magnitudes[line] = Math.hypot(re[line] ?? 0, im[line] ?? 0);
    filters.forEach(({ first, weights }, bin) => {
      let sum = floor;
      for (let i = 0; i < weights.length; i++) sum += (weights[i] ?? 0) * (magnitudes[first + i] ?? 0);
      features[index * bins + bin] = Math.log(sum);
    });
  }
  return features;
}
