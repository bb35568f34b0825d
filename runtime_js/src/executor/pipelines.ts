/** Compiles a variant's kernels to pipelines, all at once, with bind group layouts from the plan. */

import { GPUExecutionError } from "../errors.ts";
import { ShaderStage } from "./gpu_flags.ts";
import type { KernelPlan, Plan, VariantPlan } from "./plan.ts";

export interface CompiledKernel {
  readonly plan: KernelPlan;
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

/** Raises GPUExecutionError, which names the first kernel that does not compile. */
export async function compileKernels(
  device: GPUDevice, plan: Plan, variant: VariantPlan, onProgress: (done: number, total: number) => void,
): Promise<CompiledKernel[]> {
  const layouts = new Map<string, GPUBindGroupLayout>();
  const modules = new Map<number, GPUShaderModule>();
  let done = 0;
  onProgress(done, variant.kernels.length);
  return Promise.all(variant.kernels.map(async (kernel) => {
    const signature = `${kernel.bindings.join()} ${kernel.uniform}`;
    const layout = layouts.get(signature) ?? device.createBindGroupLayout({ entries: layoutEntries(kernel) });
    layouts.set(signature, layout);
    const module = modules.get(kernel.wgsl) ?? device.createShaderModule({ label: kernel.name, code: plan.wgsl[kernel.wgsl] ?? "" });
    modules.set(kernel.wgsl, module);
    try {
      const pipeline = await device.createComputePipelineAsync({
        label: kernel.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: kernel.entry },
      });
      onProgress(++done, variant.kernels.length);
      return { plan: kernel, pipeline, layout };
    } catch (error) {
      throw new GPUExecutionError(`The GPU cannot compile the kernel ${kernel.name} of variant ${variant.name}: ${String(error)}`,
        { kernel: kernel.name, variant: variant.name });
    }
  }));
}
