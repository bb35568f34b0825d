/** A tower's learnt positions are a table of side × side vectors. A patch of a picture of another shape takes some of them, by parts. */

import { InternalError } from "../support/errors.ts";
import { floatWeights } from "./filters.ts";
import type { Table } from "./settings.ts";

/** Of a row or a column of patches: which entries along the table's side, and how much of each. */
type Axis = readonly { readonly taps: readonly number[]; readonly factors: readonly number[] }[];

const { fround } = Math;

/** Of a table of kind "class": where its positions begin. */
const CLASS_BLOCK = 32;

function axis(kind: Exclude<Table["kind"], "pair" | "class">, count: number, side: number): Axis {
  const all = Array.from({ length: count }, (_, i) => i);
  switch (kind) {
    case "grid":
      return all.map((i) => ({ taps: [i], factors: [1] }));
    case "buckets": {
      const step = fround(1 / count);
      const last = fround(1 - 1e-6);
      const bounds = Array.from({ length: side - 1 }, (_, i) => fround(1 / side + i * (1 / side)));
      return all.map((i) => {
        const place = Math.min(fround(i * step), last);
        return { taps: [bounds.filter((bound) => bound <= place).length], factors: [1] };
      });
    }
    case "bilinear":
      return all.map((i) => {
        const place = fround((i * (side - 1)) / Math.max(count - 1, 1));
        const low = Math.floor(place);
        return { taps: [low, Math.min(low + 1, side - 1)], factors: [1 - (place - low), place - low] };
      });
    case "resized":
      return floatWeights(side, count, "bilinear").map(({ begin, weights }) => {
        const taken = weights.map((factor, i) => ({ tap: begin + i, factor })).filter(({ factor }) => factor > 0);
        return { taps: taken.map(({ tap }) => tap), factors: taken.map(({ factor }) => factor) };
      });
  }
}

export interface Taps {
  readonly taps: Int32Array<ArrayBuffer>;
  readonly factors: Float32Array<ArrayBuffer>;
}

/** positions: int32[patches, 2], row and column. Both results are [patches, taps]; what a patch does not take has a factor of zero. */
export function tableTaps({ kind, side, taps: width }: Table, [rows, columns]: readonly [number, number], positions: Int32Array): Taps {
  const count = positions.length / 2;
  const taps = new Int32Array(count * width);
  const factors = new Float32Array(count * width);
  if (kind === "pair") {
    for (let i = 0; i < count; i++) {
      taps[2 * i] = positions[2 * i + 1] ?? 0;
      taps[2 * i + 1] = side + (positions[2 * i] ?? 0);
    }
    return { taps, factors: factors.fill(1) };
  }
  if (kind === "class") {
    for (let i = 0; i < count; i++) {
      // The first is no patch, and the sum of two entries.
      taps[i * width] = CLASS_BLOCK + (i === 0 ? 0 : 1 + (positions[2 * i] ?? 0) * side + (positions[2 * i + 1] ?? 0));
      factors.fill(1, i * width, i * width + (i === 0 ? 2 : 1));
    }
    return { taps, factors };
  }
  const vertical = axis(kind, rows, side);
  const horizontal = axis(kind, columns, side);
  for (let i = 0; i < count; i++) {
    const down = vertical[positions[2 * i] ?? 0];
    const across = horizontal[positions[2 * i + 1] ?? 0];
    if (down === undefined || across === undefined || down.taps.length * across.taps.length > width) throw new InternalError(`${width} taps are too few for ${rows} × ${columns} patches.`);
    let at = i * width;
    down.taps.forEach((row, y) => across.taps.forEach((column, x) => {
      taps[at] = row * side + column;
      factors[at++] = (down.factors[y] ?? 0) * (across.factors[x] ?? 0);
    }));
  }
  return { taps, factors };
}
