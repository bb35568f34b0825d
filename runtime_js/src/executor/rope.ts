import type { Rope } from "./plan.ts";

/**
 * (cos, sin) of each rotary pair for `count` positions from `first`: float32[count, head_dim/2, 2], computed in double
 * precision, times the scaling kind's factor (RoFormer, arXiv 2104.09864; angle = position * inv_freq).
 */
export function rotaryTable(rope: Rope, first: number, count: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(count * rope.invFreq.length * 2);
  let i = 0;
  for (let position = first; position < first + count; position++) {
    for (const frequency of rope.invFreq) {
      const angle = position * frequency;
      table[i++] = Math.cos(angle) * rope.scale;
      table[i++] = Math.sin(angle) * rope.scale;
    }
  }
  return table;
}
