/** What a tower's call is told of a picture's patches, by its io buffers. */

import type { Tile } from "../media/picture.ts";
import type { Addition } from "./additions.ts";
import type { PlanHead } from "./plan.ts";

type Head = Pick<PlanHead, "io" | "model">;
type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** A call that makes vectors of a tile. */
export interface PatchCall {
  readonly count: number;
  /** By io buffer, of those that the plan has. */
  readonly words: readonly (readonly [name: string, words: Words])[];
  /** The patches as tokens of a sequence of their own, in the first pages. */
  readonly addition: Addition;
  /** Bytes of the vectors. */
  readonly bytes: number;
}

/** Words of an io buffer's row, of which it has one for each of `rows`. */
function rowOf({ io }: Head, name: string, rows: number): number {
  return (io.find((buffer) => buffer.name === name)?.bytes ?? 0) / 4 / rows;
}

/** `groups`: of layers. Every patch sees all of its tile. */
export function patchCall({ patches, taps, factors, tokens }: Tile, plan: Head, groups: number): PatchCall {
  const { pageSize, prefillChunk } = plan.model;
  const count = patches.length / rowOf(plan, "patches", prefillChunk);
  if (!Number.isInteger(count) || count > prefillChunk) throw new RangeError(`a tile of ${patches.length} numbers, of which ${prefillChunk} patches may be`);
  const spans = Int32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 0 : count - 1));
  const words = { patches, spans0: spans, spans1: spans, ...(taps !== undefined && { taps }), ...(factors !== undefined && { factors }) };
  const pages = Int32Array.from({ length: Math.ceil(count / pageSize) }, (_, page) => page);
  return {
    count, words: Object.entries(words).filter(([name]) => plan.io.some((buffer) => buffer.name === name)),
    addition: { position: 0, count, cache: { tables: Array.from({ length: groups }, () => pages), copies: new Int32Array(0) } },
    bytes: 4 * tokens * rowOf(plan, "pictures", Math.floor(prefillChunk * tokens / count)),
  };
}

/** What a tower is checked by: see `Probe`. */
export function probeTile(count: number, plan: Head): Tile {
  const { prefillChunk } = plan.model;
  const [width, taps] = [rowOf(plan, "patches", prefillChunk), rowOf(plan, "taps", prefillChunk)];
  return {
    grid: [1, count], tokens: 0, positions: new Int32Array(2 * count), taps: new Int32Array(count * taps), factors: new Float32Array(count * taps).fill(1 / taps),
    patches: Float32Array.from({ length: count * width }, (_, i) => ((31 * Math.floor(i / width) + 17 * (i % width)) % 64) / 32 - 1),
  };
}
