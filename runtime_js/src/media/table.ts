/** A tower's learnt positions are a table of side × side vectors. A patch of a picture of another shape takes some of them, by parts. */

/** "buckets": the entry at the same place, by float32, as Idefics3 counts it. */
export const TABLE_KINDS = ["buckets"] as const;
export type TableKind = (typeof TABLE_KINDS)[number];

/** Of a row or a column of patches: which entries along the table's side, and how much of each. */
type Axis = readonly { readonly taps: readonly number[]; readonly factors: readonly number[] }[];

/** Entries that a patch has at most along one axis. */
const AXIS_TAPS: Readonly<Record<TableKind, number>> = { buckets: 1 };

function axis(kind: TableKind, count: number, side: number): Axis {
  switch (kind) {
    case "buckets": {
      const step = Math.fround(1 / count);
      const last = Math.fround(1 - 1e-6);
      const bounds = Array.from({ length: side - 1 }, (_, i) => Math.fround(1 / side + i * (1 / side)));
      return Array.from({ length: count }, (_, i) => {
        const place = Math.min(Math.fround(i * step), last);
        return { taps: [bounds.filter((bound) => bound <= place).length], factors: [1] };
      });
    }
  }
}

export interface Taps {
  readonly taps: Int32Array<ArrayBuffer>;
  readonly factors: Float32Array<ArrayBuffer>;
}

/** positions: int32[patches, 2]. */
export function tableTaps(kind: TableKind, side: number, [rows, columns]: readonly [number, number], positions: Int32Array): Taps {
  const vertical = axis(kind, rows, side);
  const horizontal = axis(kind, columns, side);
  const width = AXIS_TAPS[kind] ** 2;
  const count = positions.length / 2;
  const taps = new Int32Array(count * width);
  const factors = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const down = vertical[positions[2 * i] ?? 0];
    const across = horizontal[positions[2 * i + 1] ?? 0];
    let at = i * width;
    down?.taps.forEach((row, y) => across?.taps.forEach((column, x) => {
      taps[at] = row * side + column;
      factors[at++] = (down.factors[y] ?? 0) * (across.factors[x] ?? 0);
    }));
  }
  return { taps, factors };
}
