/** How much GPU memory a model takes, from its plan alone. */

import { formatBytes } from "../support/format.ts";
import { OutOfMemoryError } from "../support/errors.ts";
import { slotCount } from "./buffers.ts";
import type { MemoryEstimate } from "./memory_estimate.ts";
import { laterBuffers, type Plan, type VariantPlan } from "./plan.ts";

/** Pages that one layer's cache may have within these limits. */
export function maxPages({ limits }: Pick<GPUAdapter, "limits">, variant: Pick<VariantPlan, "kvPageBytes">): number {
  return Math.floor(Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) / variant.kvPageBytes);
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, one) => total + one, 0);
}

/** `contextLength`: default: the model's own. */
export function estimateMemory(plan: Plan, variant: VariantPlan, contextLength: number): MemoryEstimate {
  const of = (kind: "pages" | "slots"): number => sum(variant.stateBytes.filter((_, i) => plan.states[i]?.kind === kind));
  const weights = sum(plan.weights.map(({ bytes }) => bytes));
  const cache = Math.ceil(contextLength / plan.model.pageSize) * of("pages");
  const later = laterBuffers(plan, variant);
  const firstIo = plan.weights.length + plan.states.length;
  const workspace = sum(plan.io.filter((_, i) => !later.has(firstIo + i)).map(({ bytes }) => bytes)) + sum(variant.workspace) + slotCount(plan, variant) * of("slots")
    + Math.max(4, variant.kvPageBytes);
  return { weights, cache, workspace, total: weights + cache + workspace, contextLength };
}

/** For a variant that this adapter can run; `contextLength` as asked for. */
export function estimateOn(adapter: GPUAdapter, plan: Plan, variant: VariantPlan, contextLength: number | undefined): MemoryEstimate {
  const { contextLength: most, pageSize } = plan.model;
  return estimateMemory(plan, variant, Math.min(contextLength ?? most, most, maxPages(adapter, variant) * pageSize));
}

/** "1.9 GB (1.6 GB weights, ...)". */
export function describeMemory({ weights, cache, workspace, total, contextLength }: MemoryEstimate): string {
  return `${formatBytes(total)} (weights ${formatBytes(weights)}, cache of ${contextLength} tokens ${formatBytes(cache)}, `
    + `workspace ${formatBytes(workspace)})`;
}

/** Raises OutOfMemoryError where a model would take more than `limit` bytes. */
export function checkMemory(estimate: MemoryEstimate, limit: number): void {
  if (estimate.total <= limit) return;
  throw new OutOfMemoryError(
    `The model needs about ${describeMemory(estimate)} of GPU memory, and memoryLimit leaves ${formatBytes(Math.max(0, limit))}. `
    + "Unload another model, load with a smaller context window, or raise the limit.",
    { needed: estimate.total, available: Math.max(0, limit) });
}
