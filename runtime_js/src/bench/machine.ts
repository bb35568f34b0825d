/** What the GPU can do at most: kernels that only read, only multiply and add, or only wait. */

import { BufferUsage } from "../executor/gpu_flags.ts";
import type { MachineReport } from "./report.ts";
import type { GpuTimer } from "./timer.ts";

/** More than any cache holds. */
export const READ_BYTES = 1 << 28;
const READ_GROUPS = 8192;
const THREADS = 256;
const FMA_GROUPS = 4096;
const FMA_ROUNDS = 256;
const CHAINS = 4; // of four lanes each, so that no multiply-add waits for the one before it
const DISPATCHES = 200;

// What is computed must look needed: the stores depend on values that never come.
const READ = `
@group(0) @binding(0) var<storage, read> data: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = vec4u();
  for (var i = id.x; i < arrayLength(&data); i += ${READ_GROUPS * THREADS}u) { sum += data[i]; }
  if (sum.x + sum.y + sum.z + sum.w == 1u) { out[0] = id.x; }
}`;

function multiplyAdd(scalar: "f16" | "f32"): string {
  const chains = Array.from({ length: CHAINS }, (_, i) => `x${i}`);
  return `
${scalar === "f16" ? "enable f16;" : ""}
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4<${scalar}>(0.5);
  let b = vec4<${scalar}>(${scalar}(id.x & 7u));
  ${chains.map((x, i) => `var ${x} = b + ${i};`).join(" ")}
  for (var i = 0u; i < ${FMA_ROUNDS}u; i++) { ${chains.map((x) => `${x} = fma(${x}, a, b);`).join(" ")} }
  let sum = ${chains.join(" + ")};
  if (sum.x + sum.y + sum.z + sum.w == -1.0) { out[0] = id.x; }
}`;
}

const STEP = `
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(32)
fn main(@builtin(local_invocation_index) i: u32) { out[i] = out[i] * 3u + 1u; }`;

async function prepare(device: GPUDevice, code: string, ...buffers: readonly GPUBuffer[]): Promise<(pass: GPUComputePassEncoder) => void> {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
  };
}

/** Measures the device's GPU; with its float16 arithmetic where the device has the feature. */
export async function measureMachine(device: GPUDevice, timer: GpuTimer): Promise<MachineReport> {
  const size = Math.min(READ_BYTES, device.limits.maxStorageBufferBindingSize);
  const data = device.createBuffer({ size, usage: BufferUsage.STORAGE });
  const out = device.createBuffer({ size: 4 * THREADS, usage: BufferUsage.STORAGE });
  const read = await prepare(device, READ, data, out);
  const fma = await prepare(device, multiplyAdd(device.features.has("shader-f16") ? "f16" : "f32"), out);
  const step = await prepare(device, STEP, out);
  const readUs = await timer.measure((pass) => { read(pass); pass.dispatchWorkgroups(READ_GROUPS); });
  const fmaUs = await timer.measure((pass) => { fma(pass); pass.dispatchWorkgroups(FMA_GROUPS); });
  const stepsUs = await timer.measure((pass) => {
    step(pass);
    for (let i = 0; i < DISPATCHES; i++) pass.dispatchWorkgroups(1);
  });
  data.destroy();
  const flops = 2 * 4 * CHAINS * FMA_ROUNDS * FMA_GROUPS * THREADS;
  return { read_gb_per_s: size / readUs / 1e3, tflop_per_s: flops / fmaUs / 1e6, dispatch_us: stepsUs / DISPATCHES };
}
