/** Where everything of a model lies in wasm memory: weights, what steps work in, what the step loop reads, and at the end the pages, which grow. */

import { STEP_WORDS, TEAM_BYTES } from "../abi.generated.ts";
import { slotCount } from "../buffers.ts";
import type { CpuPlan, CpuVariant } from "./plan.ts";

/** Of every buffer. A kernel may read so many bytes beyond the end of one. */
const ALIGNMENT = 64;
export const STACK_BYTES = 1 << 16;

/** A function of the plan as the step loop reads it. */
export interface Program {
  readonly launch: string;
  /** Pointers to its steps, and to the units that its launch function writes. */
  readonly steps: number;
  readonly units: number;
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

export interface Layout {
  /** By buffer id. */
  readonly pointers: readonly number[];
  readonly programs: ReadonlyMap<string, Program>;
  /** Pointer to the first page, and bytes of one: a page holds the keys and values of all layers. */
  readonly pages: number;
  readonly pageBytes: number;
}

/** Counts from a place on; what it gives is aligned, with room behind it. */
function placer(base: number): { next(bytes: number): number; readonly end: number } {
  let end = aligned(base);
  return {
    next(bytes) {
      const start = end;
      end = aligned(start + bytes + ALIGNMENT);
      return start;
    },
    get end() { return end; },
  };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** `base`: behind what the library keeps for itself. `threads`: further ones. */
export function layFixed({ weights }: CpuPlan, base: number, threads: number): FixedLayout {
  const place = placer(base);
  return {
    team: place.next(TEAM_BYTES),
    stacks: Array.from({ length: threads }, () => place.next(STACK_BYTES) + STACK_BYTES),
    weights: weights.map(({ bytes }) => place.next(bytes)),
    end: place.end,
  };
}

export function layOut(plan: CpuPlan, variant: CpuVariant, fixed: FixedLayout): Layout {
  const place = placer(fixed.end);
  const io = plan.io.map(({ bytes }) => place.next(bytes));
  const workspace = variant.workspace.map((bytes) => place.next(bytes));
  const slots = slotCount(plan, variant);
  const states = variant.stateBytes.map((bytes, i) => (plan.states[i]?.kind === "slots" ? place.next(bytes * slots) : 0));
  const programs = new Map([...variant.functions].map(([name, { launch, kernels, steps }]): [string, Program] => {
    const words = steps.reduce((sum, { buffers }) => sum + STEP_WORDS + buffers.length, 0);
    return [name, { launch, steps: place.next(4 * words), units: place.next(4 * kernels.length), count: steps.length }];
  }));
  const pages = place.end;
  let pageBytes = 0;
  variant.stateBytes.forEach((bytes, i) => {
    if (plan.states[i]?.kind !== "pages") return;
    states[i] = pages + pageBytes;
    pageBytes += bytes;
  });
  return { pointers: [...fixed.weights, ...states, ...io, ...workspace], programs, pages, pageBytes };
}

/** Words from a program's `steps` on: its steps, then the pointers to each one's buffers. */
export function stepWords(variant: CpuVariant, name: string, { steps: base }: Program, pointers: readonly number[], firstKernel: number): Int32Array<ArrayBuffer> {
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
