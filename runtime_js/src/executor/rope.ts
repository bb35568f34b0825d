import type { Rope } from "./plan.ts";

/**
 * (cos, sin) of each rotary pair for each position: float32[positions, head_dim/2, 2], computed in double precision, times the scaling
 * kind's factor (RoFormer, arXiv 2104.09864; angle = position * inv_freq).
 */
export function rotaryTable({ invFreq, scale }: Rope, positions: readonly number[]): Float32Array<ArrayBuffer> {
  const table = new Float32Array(positions.length * invFreq.length * 2);
  let i = 0;
  for (const position of positions) {
    for (const frequency of invFreq) {
      const angle = position * frequency;
      table[i++] = Math.cos(angle) * scale;
      table[i++] = Math.sin(angle) * scale;
    }
  }
  return table;
}
