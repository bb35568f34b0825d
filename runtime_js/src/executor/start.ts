/** Starts a model on the GPU: opens a device with room for the weights, and finds the variant that works on it. */

import { log } from "../support/log.ts";
import { MAX_ROWS } from "./abi.generated.ts";
import { infoOf } from "./adapter.ts";
import { INITIAL_TOKENS, askedLength, type StartOptions, type StartWork } from "./backend.ts";
import { BufferTable, allocateWeights, type Binding } from "./buffers.ts";
import { DeviceWatch, firstThatWorks, requestDevice, type ChosenVariants } from "./device.ts";
import { PlanExecutor, type ExecutorParts } from "./executor.ts";
import { groupsOf, pageBytesOf } from "./groups.ts";
import type { ModelLibrary } from "./library.ts";
import { longestContext } from "./memory.ts";
import { compileKernels } from "./pipelines.ts";
import type { Plan, VariantPlan } from "./plan.ts";
import { selfTest } from "./self_test.ts";
import { TileChoice, type Notes } from "./tiles.ts";

const TIMESTAMPS = "timestamp-query";

/** A device that can run any of the variants, and the places of the weights, which all variants read. */
export interface ModelDevice {
  readonly adapter: GPUAdapter;
  readonly library: Pick<ModelLibrary, "plan" | "launch">;
  readonly variants: readonly VariantPlan[];
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  readonly weights: readonly Binding[];
}

/** A model that runs on a GPU. `warning`: what its user may want to know. */
export interface StartedModel extends Omit<ExecutorParts, "kernels" | "usualTiles"> {
  readonly runner: PlanExecutor;
  readonly warning?: string | undefined;
}

export interface GpuStart extends Omit<StartWork, "ranges">, Pick<ExecutorParts, "rows"> {
  readonly options: StartOptions;
}

/** `variants`: see chooseVariants. Raises RequestValidationError, WebGPUNotAvailableError, OutOfMemoryError. */
export async function openDevice(
  adapter: GPUAdapter, library: ModelDevice["library"], variants: ChosenVariants, options: StartOptions, notes: Notes,
  allocate: (device: GPUDevice, plan: Plan) => Promise<readonly Binding[]> = allocateWeights,
): Promise<ModelDevice> {
  const { plan } = library;
  const groups = groupsOf(plan.states, askedLength(options, plan.model), plan.model);
  const longest = Math.max(...variants.flatMap((variant) => pageBytesOf(plan.states, variant).map((bytes, g) => MAX_ROWS * bytes * (groups[g]?.pages ?? 0))));
  const { isOpen } = await TileChoice.open(adapter, variants[0], options.calibrate ?? "auto", notes);
  const device = await requestDevice(adapter, variants, longest, isOpen && adapter.features.has(TIMESTAMPS) ? [TIMESTAMPS] : []);
  const watch = new DeviceWatch(device);
  try {
    return { adapter, library, variants, device, watch, weights: await allocate(device, plan) };
  } catch (error) {
    const cause = await watch.causeOf(error);
    device.destroy();
    throw cause;
  }
}

/**
 * The model in the first of the variants that works. What fails with a variant frees what was made for it, but not the device.
 * Raises FeatureSupportError where none works, OutOfMemoryError, and what the device or the weights fail with.
 */
export async function startModel(on: ModelDevice, { options, notes, probe, weights, rows, onCompiled, signal }: GpuStart): Promise<StartedModel> {
  const { adapter, library, device, watch } = on;
  const { plan } = library;
  const asked = askedLength(options, plan.model);
  return firstThatWorks(on.variants, "this GPU", async (variant) => {
    const contextLength = Math.min(asked, longestContext(device, plan, variant));
    const warning = contextLength < asked ? `The context window is ${contextLength} tokens: this GPU allows no larger buffers.` : undefined;
    if (warning !== undefined) log.warn(warning);
    const { vendor, architecture, isFallbackAdapter: isCpu } = infoOf(adapter);
    log.info(`Variant ${variant.name} on ${vendor} ${architecture}, context window ${contextLength} tokens`);
    const tiles = await TileChoice.open(adapter, variant, options.calibrate ?? "auto", notes);
    const pages = groupsOf(plan.states, Math.min(INITIAL_TOKENS, contextLength), plan.model).map((group) => group.pages);
    const buffers = await watch.guard(BufferTable.create(device, plan, variant, pages, on.weights));
    try {
      signal.throwIfAborted(); // a load that was given up compiles nothing more
      const compiled = await compileKernels(device, plan, variant, tiles.wanted, onCompiled);
      await weights;
      watch.check();
      const parts = { device, watch, library, variant, buffers, contextLength, isCpu, rows };
      const runner = new PlanExecutor({ ...parts, kernels: await tiles.settle(parts, compiled, signal), usualTiles: tiles.usual });
      if (probe !== undefined) await selfTest(runner, probe);
      await watch.guard(device.queue.onSubmittedWorkDone()); // what is wrong with buffers or bindings shows here, not in the first answer
      return { ...parts, runner, warning };
    } catch (error) {
      buffers.destroy();
      throw await watch.causeOf(error); // a kernel does not compile on a lost device either
    }
  });
}
