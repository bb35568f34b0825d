/** What stands in a model's place while its speed is measured, before its weights are there. */

import { OutOfMemoryError } from "../support/errors.ts";
import { allocating } from "./device.ts";
import { BufferUsage } from "./gpu_flags.ts";
import type { ModelLibrary } from "./library.ts";
import type { VariantPlan } from "./plan.ts";

/** Bytes that weights share: more than caches hold, and less than would trouble a phone. */
export const SHARED_BYTES = 1 << 28;
/** A CPU's caches are smaller, and it takes its time to give memory. */
export const SHARED_BYTES_OF_CPU = 1 << 27;

/** Of an answer's step. */
const FUNCTIONS: readonly string[] = ["decode", "sample"];

/**
 * Where things of these sizes lie that share `room` bytes, or as many as the largest of them takes: each behind the one before it, or at the
 * beginning again. So each is as cold in caches as if it had its own place.
 */
export function placesInTurn(sizes: readonly number[], room: number, alignment: number, behind = 0): { readonly places: readonly number[]; readonly end: number } {
  const most = Math.max(room, ...sizes);
  let [next, end] = [0, 0];
  const places = sizes.map((size) => {
    const place = next + size > most ? 0 : next;
    next = Math.ceil((place + size + behind) / alignment) * alignment;
    end = Math.max(end, next);
    return place;
  });
  return { places, end };
}

/** The variant without what an answer's steps do not need: fewer kernels to compile. */
export function onlyAnswering(variant: VariantPlan): VariantPlan {
  return { ...variant, functions: new Map([...variant.functions].filter(([name]) => FUNCTIONS.includes(name))) };
}

/** The library of such variants. */
export function libraryOf(library: ModelLibrary, variants: readonly VariantPlan[]): Pick<ModelLibrary, "plan" | "launch"> {
  return { plan: { ...library.plan, variants }, launch: (...call) => library.launch(...call) };
}

/** What is asked for at a time. */
const PART_BYTES = 1 << 28;

/** How many of so many bytes the GPU gives, asked for part by part, and freed at once. Nothing is written there. */
export async function tryMemory(device: GPUDevice, bytes: number): Promise<number> {
  const parts: GPUBuffer[] = [];
  let given = 0;
  try {
    while (given < bytes) {
      const size = Math.ceil(Math.min(PART_BYTES, bytes - given) / 4) * 4;
      await allocating(device, "a trial", size, () => parts.push(device.createBuffer({ size, usage: BufferUsage.STORAGE })));
      given += size;
    }
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
  } finally {
    for (const part of parts) part.destroy();
  }
  return Math.min(given, bytes);
}
