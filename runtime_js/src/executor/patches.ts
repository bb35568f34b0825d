/** What a tower's call is told of a picture's patches, by its io buffers. */

import type { Tile } from "../media/picture.ts";
import type { Addition } from "./additions.ts";
import { hasIo, type PlanHead } from "./plan.ts";

type Head = Pick<PlanHead, "io" | "model">;
type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** A call that makes vectors of tiles, which see nothing of each other. */
export interface PatchCall {
  /** Patches. */
  readonly count: number;
  /** Vectors, those that are no tokens among them. */
  readonly vectors: number;
  /** By io buffer, of those that the plan has, and from which byte of it on. */
  readonly words: readonly (readonly [name: string, offset: number, words: Words])[];
  /** The patches as tokens of a sequence of their own, in the first pages. */
  readonly addition: Addition;
  /** Bytes of the vectors. */
  readonly bytes: number;
}

/** Words of an io buffer's row, of which it has one for each of `rows`. */
function rowOf({ io }: Head, name: string, rows: number): number {
  return (io.find((buffer) => buffer.name === name)?.bytes ?? 0) / 4 / rows;
}

/** Floats of the patches that one call may have. */
export function patchFloats(plan: Head): number {
  return rowOf(plan, hasIo(plan, "frames") ? "frames" : "patches", 1);
}

/** For each patch the first and the last that it sees, of all parts that end at `ends`. Numbers are the call's. */
function spansOf(first: number, ends: ArrayLike<number>): Int32Array<ArrayBuffer> {
  const spans = new Int32Array(2 * (ends[ends.length - 1] ?? 0));
  for (let part = 0, patch = 0; part < ends.length; part++) {
    const [begin, end] = [patch, ends[part] ?? 0];
    for (; patch < end; patch++) [spans[2 * patch], spans[2 * patch + 1]] = [first + begin, first + end - 1];
  }
  return spans;
}

/** For each patch of a tile those of a square around it, of so many (`taps`), row by row: -1 outside of the tile. Numbers are the call's. */
function neighboursOf({ grid, positions }: Tile, first: number, taps: number): Int32Array<ArrayBuffer> {
  const side = Math.sqrt(taps);
  const row = grid[1] + side; // and what is beyond its ends
  const place = (patch: number): number => (positions[2 * patch] ?? 0) * row + (positions[2 * patch + 1] ?? 0);
  const patches = new Map(Array.from({ length: positions.length / 2 }, (_, patch) => [place(patch), first + patch]));
  return Int32Array.from({ length: positions.length / 2 * taps }, (_, i) => {
    const [patch, tap] = [Math.floor(i / taps), i % taps - (taps - 1) / 2];
    const down = Math.round(tap / side);
    return patches.get(place(patch) + down * row + tap - down * side) ?? -1;
  });
}

/** What the projector makes of it. */
function vectorsOf({ tokens, skipped = 0 }: Tile): number {
  return tokens + skipped;
}

/** `groups`: of layers. Every patch sees all of its tile, and of its window, where there are such. */
export function patchCall(tiles: readonly Tile[], plan: Head, groups: number): PatchCall {
  const { pageSize, prefillChunk } = plan.model;
  const width = rowOf(plan, "patches", prefillChunk);
  const around = rowOf(plan, "neighbours", prefillChunk);
  const words: [string, number, Words][] = [];
  const turns = new Int32Array(tiles.reduce((sum, { positions }) => sum + positions.length, 0));
  let [count, vectors] = [0, 0];
  for (const tile of tiles) {
    const own = tile.patches.length / width;
    const { patches, taps, factors, windows } = tile;
    const spans0 = spansOf(count, [own]);
    const spans1 = windows === undefined ? spans0 : spansOf(count, windows.ends);
    const neighbours = around === 0 ? undefined : neighboursOf(tile, count, around);
    for (const [name, values] of Object.entries({ patches, taps, factors, spans0, spans1, neighbours })) {
      if (values !== undefined && hasIo(plan, name)) words.push([name, count * (values.byteLength / own), values]);
    }
    turns.set(tile.positions, 2 * count);
    count += own;
    vectors += vectorsOf(tile);
  }
  if (!Number.isInteger(count) || count > prefillChunk) throw new RangeError(`a call of ${count} patches, of which ${prefillChunk} may be`);
  const pages = Int32Array.from({ length: Math.ceil(count / pageSize) }, (_, page) => page);
  return {
    count, vectors, words,
    addition: { position: 0, count, cache: { tables: Array.from({ length: groups }, () => pages), copies: new Int32Array(0), turns } },
    bytes: vectors === 0 ? 0 : 4 * vectors * rowOf(plan, "pictures", Math.floor(prefillChunk * vectors / count)),
  };
}

/** A call that makes vectors of a sound's tokens. Raises RangeError. */
export interface SoundCall {
  readonly tokens: number;
  readonly words: PatchCall["words"];
  readonly bytes: number;
}

/** Of a sound, which is one tile. */
export function soundCall([tile, ...others]: readonly Tile[], plan: Head): SoundCall {
  const { prefillChunk } = plan.model;
  if (tile?.present === undefined || others.length > 0 || tile.tokens > prefillChunk) throw new RangeError(`a call of ${others.length + 1} sounds, of which one may be, of ${prefillChunk} tokens`);
  const { tokens, patches, present } = tile;
  return { tokens, words: [["frames", 0, patches], ["present", 0, present]], bytes: 4 * tokens * rowOf(plan, "sounds", prefillChunk) };
}

/** The vectors of a call's tiles, without those that are no tokens, and with those that came window by window back in their rows. */
export function inRows(vectors: Float32Array<ArrayBuffer>, tiles: readonly Tile[]): Float32Array<ArrayBuffer> {
  if (tiles.every(({ windows, skipped = 0 }) => windows === undefined && skipped === 0)) return vectors;
  const width = vectors.length / tiles.reduce((sum, tile) => sum + vectorsOf(tile), 0);
  const rows = new Float32Array(width * tiles.reduce((sum, { tokens }) => sum + tokens, 0));
  let [from, first] = [0, 0];
  for (const { tokens, windows, skipped = 0 } of tiles) {
    from += skipped;
    for (let i = 0; i < tokens; i++) rows.set(vectors.subarray((from + i) * width, (from + i + 1) * width), (first + (windows?.order[i] ?? i)) * width);
    from += tokens;
    first += tokens;
  }
  return rows;
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
