/**
 * Groups of layers that share pages: those whose tokens see equally far. Each has a pool of pages, and of each sequence a page table. The
 * builder's compile/memory.py counts the same.
 */

import { WINDOWS_KEPT, WINDOW_BACK } from "./abi.generated.ts";
import { windowsOf, type PlanModel, type StatePlan, type VariantPlan } from "./plan.ts";
import type { PageGroup } from "./runner.ts";

type Sizes = Pick<PlanModel, "pageSize" | "prefillChunk">;

/**
 * Pages that a conversation of so many tokens takes in a group. Of one with a window: what a prefill sees and adds, unaligned and with a page
 * that is copied, and what WINDOWS_KEPT tokens further back see; no more than all.
 */
export function pagesOf(window: number | null, tokens: number, { pageSize, prefillChunk }: Sizes): number {
  const whole = Math.ceil(tokens / pageSize);
  if (window === null) return whole;
  const seen = Math.ceil((window + WINDOW_BACK) / pageSize);
  return Math.min(whole, (1 + WINDOWS_KEPT) * seen + Math.ceil(prefillChunk / pageSize) + 2);
}

/** The groups with what a conversation of so many tokens takes. */
export function groupsOf(states: readonly StatePlan[], tokens: number, sizes: Sizes): PageGroup[] {
  return windowsOf(states).map((window) => ({ window, pages: pagesOf(window, tokens, sizes) }));
}

/** Bytes of the largest page of a layer of each group. */
export function pageBytesOf(states: readonly StatePlan[], { stateBytes }: Pick<VariantPlan, "stateBytes">): number[] {
  return windowsOf(states).map((own) => Math.max(...stateBytes.filter((_, i) => states[i]?.kind === "pages" && states[i]?.window === own)));
}
