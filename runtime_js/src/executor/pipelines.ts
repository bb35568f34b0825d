/** Compiles a variant's kernels to pipelines, all at once, with bind group layouts from the plan. */

import { GPUExecutionError } from "../support/errors.ts";
import { log } from "../support/log.ts";
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

/**
 * Compiles `tiles[i]` of the variant's kernel i and gives them in that order. The first must compile; others are left out where they do
 * not.
 * Raises GPUExecutionError, which names a kernel that does not compile.
 */
export async function compileKernels(
  device: GPUDevice, plan: Plan, variant: VariantPlan, tiles: readonly (readonly number[])[],
  onProgress: (done: number, total: number) => void,
): Promise<CompiledKernel[][]> {
  const layouts = new Map<string, GPUBindGroupLayout>();
  const modules = new Map<number, GPUShaderModule>();
  const total = tiles.flat().length;
  let done = 0;
  onProgress(done, total);

  async function compile(kernel: KernelPlan, tile: number, isOptional: boolean): Promise<CompiledKernel[]> {
    const { wgsl, entry } = tileOf(kernel, tile);
    const signature = `${kernel.bindings.join()} ${kernel.uniform}`;
    const layout = layouts.get(signature) ?? device.createBindGroupLayout({ entries: layoutEntries(kernel) });
    layouts.set(signature, layout);
    const module = modules.get(wgsl) ?? device.createShaderModule({ label: entry, code: plan.wgsl[wgsl] ?? "" });
    modules.set(wgsl, module);
    try {
      const pipeline = await device.createComputePipelineAsync({
        label: entry,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: entry },
      });
      return [{ plan: kernel, tile, pipeline, layout }];
    } catch (error) {
      const message = `The GPU cannot compile the kernel ${entry} of variant ${variant.name}: ${String(error)}`;
      if (!isOptional) throw new GPUExecutionError(message, { kernel: kernel.name, variant: variant.name });
      log.info(message);
      return [];
    } finally {
      onProgress(++done, total);
    }
  }
  return Promise.all(variant.kernels.map(async (kernel, i) =>
    (await Promise.all((tiles[i] ?? []).map((tile, way) => compile(kernel, tile, way > 0)))).flat()));
}
