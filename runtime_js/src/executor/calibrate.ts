/** Finds the fastest tile of each kernel by running them on the loaded model, before its first prompt. */

import { log } from "../support/log.ts";
import type { BufferTable } from "./buffers.ts";
import { writeChoices } from "./choices.ts";
import type { DeviceWatch } from "./device.ts";
import { findFastest, type Comparison } from "./fastest.ts";
import type { ModelLibrary } from "./library.ts";
import type { ChosenKernels, CompiledKernel } from "./pipelines.ts";
import type { FunctionPlan, VariantPlan } from "./plan.ts";
import { Program } from "./program.ts";
import { makeStopwatch } from "./stopwatch.ts";

/** What is not decided by then stays as usual. */
const BUDGET_MS = 500;
/** What runs most often comes first: time may run out. */
/** Of a prompt: an embedding model's text comes whole, however long. */
const MOST_TOKENS = 512;
const ORDER: readonly string[] = ["decode", "logits", "prefill", "sample"];

export interface CalibrationParts {
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  readonly library: Pick<ModelLibrary, "plan" | "launch">;
  readonly variant: VariantPlan;
  readonly buffers: BufferTable;
}

/**
 * Chooses one of each kernel's compiled tiles; the first is the usual one. A kernel runs on the buffers of all its steps in turn, so
 * that caches are as cold as in a real step. What it writes there means nothing, and every function of the plan writes before it
 * reads. A kernel whose work depends on `state`, on the KV cache or on what another kernel leaves should have one tile only: they are
 * empty. Of experts there are choices.
 */
export async function calibrate(
  { device, watch, library, variant, buffers }: CalibrationParts, kernels: readonly (readonly CompiledKernel[])[], signal: AbortSignal,
): Promise<ChosenKernels> {
  const chosen = kernels.map(([usual]) => usual);
  const deadline = performance.now() + BUDGET_MS;
  const left = (): number => (signal.aborted ? 0 : deadline - performance.now());
  const stopwatch = makeStopwatch(device);
  writeChoices(device.queue, buffers, library.plan.model);
  let isCold = true;

  async function choose(name: string, fn: FunctionPlan, slot: number, index: number, candidates: readonly CompiledKernel[]): Promise<void> {
    const n = name === "prefill" ? Math.min(MOST_TOKENS, library.plan.model.prefillChunk) : 1;
    const own = { ...fn, steps: fn.steps.filter((step) => step.kernel === slot) };
    const programs = candidates.map((candidate) => new Program(device, library, own, chosen.with(index, candidate), buffers));
    const measure = (candidate: number, count: number): Promise<number> =>
      watch.guard(stopwatch.time((pass) => programs[candidate]?.encode(pass, n, n, count)));
    const compare = (): Promise<Comparison | undefined> => findFastest(candidates.length, measure, stopwatch.enough, left);
    let found = await compare();
    if (isCold && left() > 0) found = await compare() ?? found; // the clocks of an idle GPU take their time to rise
    isCold = false;
    for (const program of programs) program.destroy();
    if (found === undefined) return;
    const fastest = candidates[found.fastest];
    if (fastest !== undefined) chosen[index] = fastest;
    const times = candidates.map(({ pipeline }, candidate) => `${pipeline.label} ${(1000 * (found.times[candidate] ?? NaN)).toFixed(1)} µs`);
    log.info(`Tile of ${name}: ${times.join(", ")}; chosen ${fastest?.pipeline.label}`);
  }

  const decided = new Set<number>();
  for (const name of ORDER) {
    const fn = variant.functions.get(name);
    for (const [slot, index] of fn?.kernels.entries() ?? []) {
      const candidates = kernels[index] ?? [];
      if (fn !== undefined && candidates.length > 1 && !decided.has(index) && left() > 0) await choose(name, fn, slot, index, candidates);
      decided.add(index);
    }
  }
  stopwatch.destroy();
  return chosen;
}
