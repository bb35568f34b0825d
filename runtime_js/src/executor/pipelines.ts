/** Compiles a variant's kernels to pipelines, all at once, with bind group layouts from the plan. */

import { log } from "../support/log.ts";
import { VariantError } from "./device.ts";
import { ShaderStage } from "./gpu_flags.ts";
import type { KernelPlan, Plan, TilePlan, VariantPlan } from "./plan.ts";

/** A kernel in one of its tiles. */
export interface CompiledKernel {
  readonly plan: KernelPlan;
  /** Which of plan.tiles it is. */
  readonly tile: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Of each of a variant's kernels the tile that is to run; none of those that are not compiled yet. */
export type ChosenKernels = readonly (CompiledKernel | undefined)[];

function layoutEntries(kernel: KernelPlan): GPUBindGroupLayoutEntry[] {
  const visibility = ShaderStage.COMPUTE;
  const entries: GPUBindGroupLayoutEntry[] = kernel.bindings.map((access, binding) => (
    { binding, visibility, buffer: { type: access === "read" ? "read-only-storage" : "storage" } }));
  if (kernel.uniform >= 0) entries.push({ binding: kernel.uniform, visibility, buffer: { type: "uniform" } });
  return entries;
}

function tileOf(kernel: KernelPlan, tile: number): TilePlan {
  const found = kernel.tiles[tile];
  if (found === undefined) throw new RangeError(`${kernel.name} has no tile ${tile}`);
  return found;
}

interface Compiling {
  readonly module: GPUShaderModule;
  readonly error: Promise<GPUError | null>;
}

/** A module that is wrong is the variant's fault, and no failure of the device. */
function startCompiling(device: GPUDevice, label: string, code: string): Compiling {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code });
  return { module, error: device.popErrorScope().catch(() => null) }; // a lost device tells of itself
}

/**
 * Compiles `tiles[i]` of the variant's kernel i and gives them in that order. The first must compile; others are left out where they do
 * not.
 * Raises VariantError, which names a kernel that does not compile.
 */
export async function compileKernels(
  device: GPUDevice, plan: Plan, variant: VariantPlan, tiles: readonly (readonly number[])[],
  onProgress: (done: number, total: number) => void,
): Promise<CompiledKernel[][]> {
  const layouts = new Map<string, GPUBindGroupLayout>();
  const modules = new Map<number, Compiling>();
  const total = tiles.flat().length;
  let done = 0;
  onProgress(done, total);

  async function compile(kernel: KernelPlan, tile: number, isOptional: boolean): Promise<CompiledKernel[]> {
    const { wgsl, entry } = tileOf(kernel, tile);
    const signature = `${kernel.bindings.join()} ${kernel.uniform}`;
    const layout = layouts.get(signature) ?? device.createBindGroupLayout({ entries: layoutEntries(kernel) });
    layouts.set(signature, layout);
    const compiling = modules.get(wgsl) ?? startCompiling(device, entry, plan.wgsl[wgsl] ?? "");
    modules.set(wgsl, compiling);
    try {
      const { module } = compiling;
      const pipeline = await device.createComputePipelineAsync({
        label: entry,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: entry },
      });
      const error = await compiling.error;
      if (error !== null) throw new Error(error.message);
      return [{ plan: kernel, tile, pipeline, layout }];
    } catch (error) {
      const message = `the kernel ${entry} does not compile (${String(error)})`;
      if (!isOptional) throw new VariantError(message);
      log.info(`Left out: ${message}`);
      return [];
    } finally {
      onProgress(++done, total);
    }
  }
  return Promise.all(variant.kernels.map(async (kernel, i) =>
    (await Promise.all((tiles[i] ?? []).map((tile, candidate) => compile(kernel, tile, candidate > 0)))).flat()));
}
