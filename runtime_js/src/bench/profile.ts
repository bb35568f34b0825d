/** Times every kernel of a model by itself, on buffers of the right size and with no weights loaded. */

import { FeatureSupportError } from "../support/errors.ts";
import { requestAdapter } from "../executor/adapter.ts";
import { BufferTable, allocateWeights } from "../executor/buffers.ts";
import { writeChoices } from "../executor/choices.ts";
import { DeviceWatch, chooseVariants, requestDevice } from "../executor/device.ts";
import type { ModelLibrary } from "../executor/library.ts";
import { compileKernels, type ChosenKernels } from "../executor/pipelines.ts";
import { groupsOf } from "../executor/groups.ts";
import { functionOf, hasIo, type FunctionPlan, type Plan, type VariantPlan } from "../executor/plan.ts";
import { patchCall, probeTile, type PatchCall } from "../executor/patches.ts";
import { Program } from "../executor/program.ts";
import { TileChoice } from "../executor/tiles.ts";
import type { ModelFolder } from "../storage/model_folder.ts";
import { READ_BYTES, measureMachine } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import type { FunctionReport, KernelReport, MachineReport, ProfileReport } from "./report.ts";
import { GpuTimer } from "./timer.ts";
import { WorkModel, type Work } from "./work.ts";

/** A function of the plan for `n` new tokens (or patches), with `kvLength` tokens in the cache that count them. */
export interface ProfileCase {
  readonly name: string;
  readonly n: number;
  readonly kvLength: number;
}

interface Bench {
  readonly device: GPUDevice;
  readonly library: ModelLibrary;
  readonly variant: VariantPlan;
  readonly buffers: BufferTable;
  readonly kernels: ChosenKernels;
  readonly timer: GpuTimer;
  readonly machine: MachineReport;
}

function floor({ bytes, flops }: Work, machine: MachineReport): number {
  return Math.max(bytes / machine.read_gb_per_s / 1e3, flops / machine.tflop_per_s / 1e6) + machine.dispatch_us;
}

/** The names of the packed weights that the steps read, without their layers. */
function weightsOf(plan: Plan, steps: FunctionPlan["steps"]): string {
  const names = steps.flatMap((step) => step.buffers).flatMap((id) => plan.weights[id]?.name ?? []).filter((name) => name.endsWith(".q"));
  return [...new Set(names.map((name) => name.replace(/^layers[.]\d+[.]/, "").replace(/[.]q$/, "")))].join(", ");
}

async function profileFunction({ name, n, kvLength }: ProfileCase, bench: Bench): Promise<FunctionReport> {
  const { device, library, variant, buffers, timer, machine } = bench;
  const fn = functionOf(variant, name);
  device.queue.writeBuffer(buffers.io("state"), 0, Int32Array.of(kvLength - n, n, 0, /* slots */ 0, 1));
  // What a kernel would find: `choose` itself writes by logits that mean nothing.
  const time = async (steps: FunctionPlan["steps"]): Promise<number> => {
    writeChoices(device.queue, buffers, library.plan.model);
    const program = new Program(device, library, { ...fn, steps }, bench.kernels, buffers);
    const us = await timer.measure((pass) => program.encode(pass, n, kvLength));
    program.destroy();
    return us;
  };
  const us = await time(fn.steps);
  const work = new WorkModel(library.plan, variant);
  const timed: Omit<KernelReport, "share">[] = [];
  for (const [slot, { plan, tile }] of fn.kernels.flatMap((index) => bench.kernels[index] ?? []).entries()) {
    // All steps of the kernel in turn, so that the caches are as cold as in a real step.
    const steps = fn.steps.filter((step) => step.kernel === slot);
    const each = steps.map((step) => work.of(plan, step.buffers, name === "logits" ? 1 : n, kvLength));
    const mean = (of: (work: Work) => number): number => each.reduce((sum, item) => sum + of(item), 0) / each.length;
    const average = { bytes: mean((item) => item.bytes), flops: mean((item) => item.flops) };
    timed.push({
      name: plan.name, tile: plan.tiles[tile]?.entry.replace(/_kernel$/, "") ?? "", weights: weightsOf(library.plan, steps), dispatches: steps.length, us: await time(steps) / steps.length,
      ...average, floor_us: floor(average, machine),
    });
  }
  const sum = timed.reduce((total, kernel) => total + kernel.us * kernel.dispatches, 0);
  return {
    name, new_tokens: n, context_tokens: kvLength, us,
    kernels: timed.map((kernel) => ({ ...kernel, share: kernel.us * kernel.dispatches / sum })),
  };
}

/** What a tower sees: one picture, as large as a call may have. */
function picture({ plan }: ModelLibrary, groups: number): PatchCall["words"] {
  return hasIo(plan, "patches") ? patchCall([probeTile(plan.model.prefillChunk, plan)], plan, groups).words : [];
}

/** Profiles each case in the tiles that the engine takes. Raises FeatureSupportError where the browser gives no timestamps, or the GPU cannot run the variant. */
export async function profileKernels(
  folder: ModelFolder, library: ModelLibrary, { variant: forced, calibrate }: BenchOptions, cases: readonly ProfileCase[],
  log: (line: string) => void,
): Promise<ProfileReport> {
  const { plan } = library;
  const signal = new AbortController().signal;
  const adapter = await requestAdapter();
  if (!adapter.features.has("timestamp-query")) {
    throw new FeatureSupportError("This browser gives no timestamps of this GPU, which a kernel profile needs. Try Chrome.");
  }
  const [variant] = chooseVariants(adapter, plan, forced);
  const tiles = await TileChoice.open(adapter, variant, calibrate, folder);
  const pages = Math.ceil(Math.max(...cases.map(({ kvLength }) => kvLength)) / plan.model.pageSize);
  const device = await requestDevice(adapter, [variant], Math.max(READ_BYTES, pages * variant.kvPageBytes), ["timestamp-query"]);
  const watch = new DeviceWatch(device);
  try {
    const timer = new GpuTimer(device);
    log("Measuring what this GPU can do");
    const machine = await watch.guard(measureMachine(device, timer));
    const groups = groupsOf(plan.states, pages * plan.model.pageSize, plan.model);
    const buffers = await BufferTable.create(device, plan, variant, groups.map((group) => group.pages), await allocateWeights(device, plan));
    groups.forEach((group, g) => device.queue.writeBuffer(buffers.io(`page_table${g}`), 0, Int32Array.from({ length: pages }, (_, i) => i % group.pages)));
    log("Compiling kernels");
    const compiled = await compileKernels(device, plan, variant, tiles.wanted, () => undefined);
    const kernels = await tiles.settle({ device, watch, library, variant, buffers }, compiled, signal);
    for (const [name, offset, words] of picture(library, groups.length)) device.queue.writeBuffer(buffers.io(name), offset, words);
    const functions: FunctionReport[] = [];
    for (const item of cases) {
      log(`Profiling ${item.name}`);
      functions.push(await watch.guard(profileFunction(item, { device, library, variant, buffers, kernels, timer, machine })));
    }
    return { machine, functions };
  } finally {
    device.destroy();
  }
}
