/** How much GPU memory a model takes, from its plan alone. */

import { formatBytes } from "../support/format.ts";
import { OutOfMemoryError } from "../support/errors.ts";
import { slotCount } from "./buffers.ts";
import { pageBytesOf, pagesOf } from "./groups.ts";
import type { MemoryEstimate } from "./memory_estimate.ts";
import { laterBuffers, windowsOf, type Plan, type VariantPlan } from "./plan.ts";

/** Pages of so many bytes that one layer's cache may have within these limits. */
export function maxPages({ limits }: Pick<GPUAdapter, "limits">, pageBytes: number): number {
  return Math.floor(Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) / pageBytes);
}

/** Tokens that one conversation may have within these limits, at most the model's own length. */
export function longestContext(on: Pick<GPUAdapter, "limits">, { model, states }: Pick<Plan, "model" | "states">, variant: VariantPlan): number {
  const bytes = pageBytesOf(states, variant);
  return windowsOf(states).reduce<number>((least, window, group) => {
    const most = maxPages(on, bytes[group] ?? 0);
    return pagesOf(window, model.contextLength, model) <= most ? least : Math.min(least, most * model.pageSize);
  }, model.contextLength);
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, one) => total + one, 0);
}

/** `contextLength`: default: the model's own. */
export function estimateMemory(plan: Plan, variant: VariantPlan, contextLength: number): MemoryEstimate {
  const weights = sum(plan.weights.map(({ bytes }) => bytes));
  const states = plan.states.map((state, i) => ({ ...state, bytes: variant.stateBytes[i] ?? 0 }));
  const cache = sum(states.map(({ kind, window, bytes }) => (kind === "pages" ? pagesOf(window, contextLength, plan.model) * bytes : 0)));
  const slots = slotCount(plan, variant) * sum(states.map(({ kind, bytes }) => (kind === "slots" ? bytes : 0)));
  const later = laterBuffers(plan, variant);
  const firstIo = plan.weights.length + plan.states.length;
  const io = sum(plan.io.filter((_, i) => !later.has(firstIo + i)).map(({ bytes }) => bytes));
  const workspace = io + sum(variant.workspace) + slots + Math.max(4, variant.kvPageBytes);
  return { weights, cache, workspace, total: weights + cache + workspace, contextLength };
}

/** For a variant that this adapter can run; `contextLength` as asked for. */
export function estimateOn(adapter: GPUAdapter, plan: Plan, variant: VariantPlan, contextLength: number | undefined): MemoryEstimate {
  return estimateMemory(plan, variant, Math.min(contextLength ?? Infinity, longestContext(adapter, plan, variant)));
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
    `The model needs about ${describeMemory(estimate)} of memory, and memoryLimit leaves ${formatBytes(Math.max(0, limit))}. `
    + "Unload another model, load with a smaller context window, or raise the limit.",
    { needed: estimate.total, available: Math.max(0, limit) });
}
