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

/** Rows that are computed at a time, those of a prompt's chunk: the first of them by the self-test, before anybody waits for an answer. */
const ROWS = 512;
/** Of longer sequences only a few new tokens come at a time, or chunks, whose rows are computed while the chunk before is. */
const MOST_ROWS = 16 * ROWS;

/** As rotaryTable, but that rows which many sequences need are computed once: those of a prompt take as long as a layer of it. */
export class RotaryTable {
  readonly #rope: Rope;
  #rows = new Float32Array();

  constructor(rope: Rope) {
    this.#rope = rope;
  }

  of(places: readonly Place[]): Float32Array<ArrayBuffer> {
    if (!places.some((place) => this.#isKept(place))) return rotaryTable(this.#rope, places);
    const width = this.#rope.invFreq.length * 2;
    const table = new Float32Array(places.length * width);
    places.forEach((place, i) => table.set(this.#isKept(place) ? this.#row(place.position, width) : rotaryTable(this.#rope, [place]), i * width));
    return table;
  }

  #isKept({ position, isLong, turns }: Place): boolean {
    return position < MOST_ROWS && !(isLong && this.#rope.long !== null) && (turns === undefined || this.#rope.axes === undefined);
  }

  #row(position: number, width: number): Float32Array {
    const count = this.#rows.length / width;
    if (position >= count) {
      const rows = new Float32Array((Math.floor(position / ROWS) + 1) * ROWS * width);
      rows.set(this.#rows);
      rows.set(rotaryTable(this.#rope, Array.from({ length: rows.length / width - count }, (_, i) => ({ position: count + i, isLong: false }))), this.#rows.length);
      this.#rows = rows;
    }
    return this.#rows.subarray(position * width, (position + 1) * width);
  }
}

/** Tokens of the longest sequence that does not turn by other frequencies than shorter ones. */
export function longestAlike(ropes: readonly Rope[]): number {
  return Math.min(...ropes.map(({ long }) => long?.beyond ?? Infinity));
}
