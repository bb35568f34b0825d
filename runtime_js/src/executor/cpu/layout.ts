/** Where everything of a model lies in wasm memory: weights, what steps work in, what the step loop reads, and last the pages, which grow. */

import { STEP_WORDS, TEAM_BYTES } from "../abi.generated.ts";
import { slotCount } from "../buffers.ts";
import { groupsOf } from "../groups.ts";
import { placesInTurn } from "../rehearsal.ts";
import type { CpuPlan, CpuVariant } from "./plan.ts";

/** Of every buffer. */
const ALIGNMENT = 64;
/** A kernel may read so many bytes beyond the end of a buffer. */
export const BEYOND = 64;
export const STACK_BYTES = 1 << 16;

/** A function of the plan as the step loop reads it. */
export interface Program {
  readonly launch: string;
  /** Pointers to its steps, and to the units that its launch function writes, a word for each of its kernels. */
  readonly steps: number;
  readonly units: number;
  readonly kernels: number;
  readonly count: number;
}

/** What all variants have in the same places. */
export interface FixedLayout {
  readonly team: number;
  /** Ends of the stacks of further threads. */
  readonly stacks: readonly number[];
  readonly weights: readonly number[];
  readonly end: number;
}

/** The pages of a group, each of which holds the keys and values of all its layers. */
export interface Pool {
  /** Pointer to the first. */
  readonly start: number;
  readonly pageBytes: number;
  /** How many there are; null: as many as the memory has behind `start`. */
  readonly pages: number | null;
}

export interface Layout {
  /** By buffer id. */
  readonly pointers: readonly number[];
  readonly programs: ReadonlyMap<string, Program>;
  /** By group. */
  readonly pools: readonly Pool[];
  /** The last in memory, which grows with it; of no bytes where no state is in pages. */
  readonly growing: Pool;
}

/** Counts from a place on; what it gives is aligned, with room behind it. */
function placer(base: number): { next(bytes: number): number; readonly end: number } {
  let end = aligned(base);
  return {
    next(bytes) {
      const start = end;
      end = aligned(start + bytes + BEYOND);
      return start;
    },
    get end() { return end; },
  };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** `base`: behind what the library keeps for itself. `threads`: further ones. `room`: bytes that weights share, where they are not there. */
export function layFixed({ weights }: CpuPlan, base: number, threads: number, room = Infinity): FixedLayout {
  const place = placer(base);
  const team = place.next(TEAM_BYTES);
  const stacks = Array.from({ length: threads }, () => place.next(STACK_BYTES) + STACK_BYTES);
  const { places, end } = placesInTurn(weights.map(({ bytes }) => bytes), room, ALIGNMENT, BEYOND);
  const first = place.next(end);
  return { team, stacks, weights: places.map((offset) => first + offset), end: place.end };
}

/** What a window needs is bounded: such groups have room for one conversation, in front of the one that grows. */
export function layOut(plan: CpuPlan, variant: CpuVariant, fixed: FixedLayout, contextLength: number): Layout {
  const place = placer(fixed.end);
  const io = plan.io.map(({ bytes }) => place.next(bytes));
  const workspace = variant.workspace.map((bytes) => place.next(bytes));
  const slots = slotCount(plan, variant);
  const states = variant.stateBytes.map((bytes, i) => (plan.states[i]?.kind === "slots" ? place.next(bytes * slots) : 0));
  const programs = new Map([...variant.functions].map(([name, { launch, kernels, steps }]): [string, Program] => {
    const words = steps.reduce((sum, { buffers }) => sum + STEP_WORDS + buffers.length, 0);
    return [name, { launch, steps: place.next(4 * words), units: place.next(4 * kernels.length), kernels: kernels.length, count: steps.length }];
  }));
  const groups = groupsOf(plan.states, contextLength, plan.model);
  const order = [...groups.entries()].sort(([, a], [, b]) => Number(a.window === null) - Number(b.window === null));
  const pools: Pool[] = [];
  let growing: Pool = { start: place.end, pageBytes: 0, pages: null };
  for (const [g, { window, pages }] of order) {
    const own = variant.stateBytes.map((bytes, i) => (plan.states[i]?.kind === "pages" && plan.states[i]?.window === window ? bytes : 0));
    const pageBytes = own.reduce((sum, bytes) => sum + bytes, 0);
    const isLast = g === order.at(-1)?.[0];
    const start = isLast ? place.end : place.next(pages * pageBytes);
    own.reduce((offset, bytes, i) => {
      if (bytes > 0) states[i] = start + offset;
      return offset + bytes;
    }, 0);
    growing = pools[g] = { start, pageBytes, pages: isLast ? null : pages };
  }
  return { pointers: [...fixed.weights, ...states, ...io, ...workspace], programs, pools, growing };
}

/** Words from a program's `steps` on: its steps, then the pointers to each one's buffers. */
export function stepWords(
  variant: CpuVariant, name: string, { steps: base }: Program, pointers: readonly number[], firstKernel: number,
): Int32Array<ArrayBuffer> {
  const { steps = [], kernels = [] } = variant.functions.get(name) ?? {};
  const words: number[] = [];
  let buffers = base + 4 * STEP_WORDS * steps.length;
  for (const step of steps) {
    words.push(firstKernel + (kernels[step.kernel] ?? 0), buffers, step.kernel, 0);
    buffers += 4 * step.buffers.length;
  }
  for (const step of steps) words.push(...step.buffers.map((id) => pointers[id] ?? 0));
  return Int32Array.from(words, (word) => word | 0);
}
