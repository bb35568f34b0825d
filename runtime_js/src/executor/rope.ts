import type { Rope } from "./plan.ts";

/** A token's place in its sequence, and whether that turns by the frequencies of long ones. */
export interface Place {
  readonly position: number;
  readonly isLong: boolean;
  /** Its positions by axis, where they differ. */
  readonly turns?: Int32Array | undefined;
}

/**
 * (cos, sin) of each rotary pair for each token: float32[tokens, head_dim/2, 2], computed in double precision, those that turn times the scaling
 * kind's factor (RoFormer, arXiv 2104.09864; angle = position * inv_freq).
 */
export function rotaryTable({ invFreq, scale, long, axes }: Rope, places: readonly Place[]): Float32Array<ArrayBuffer> {
  const table = new Float32Array(places.length * invFreq.length * 2);
  let i = 0;
  for (const { position, isLong, turns } of places) {
    const frequencies = isLong && long !== null ? long.invFreq : invFreq;
    for (let pair = 0; pair < frequencies.length; pair++) {
      const frequency = frequencies[pair] ?? 0;
      const by = axes === undefined || turns === undefined ? position : turns[axes[pair] ?? 0] ?? position;
      const angle = by * frequency;
      const factor = frequency === 0 ? 1 : scale;
      table[i++] = Math.cos(angle) * factor;
      table[i++] = Math.sin(angle) * factor;
    }
  }
  return table;
}

/** Of longer sequences only a few new tokens come at a time, or chunks, whose rows are computed while the chunk before is. */
const MOST_ROWS = 8192;

/** As rotaryTable of a rope, but that rows which many sequences need are computed once: those of a prompt take as long as a layer of it. */
export function keptRows(rope: Rope): (places: readonly Place[]) => Float32Array<ArrayBuffer> {
  const rows: Float32Array[] = [];
  return (places) => {
    if (places.some(({ isLong, turns, position }) => isLong || turns || position >= MOST_ROWS)) return rotaryTable(rope, places);
    const width = rope.invFreq.length * 2;
    const table = new Float32Array(places.length * width);
    places.forEach((place, i) => table.set(rows[place.position] ??= rotaryTable(rope, [place]), i * width));
    return table;
  };
}

/** Tokens of the longest sequence that does not turn by other frequencies than shorter ones. */
export function longestAlike(ropes: readonly Rope[]): number {
  return Math.min(...ropes.map(({ long }) => long?.beyond ?? Infinity));
}
