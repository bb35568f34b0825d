/** One function of the plan, ready to run: a straight list of dispatches with their bind groups made. */

import { LAUNCH_WORDS } from "./abi.generated.ts";
import type { BufferTable } from "./buffers.ts";
import { BufferUsage } from "./gpu_flags.ts";
import type { Launch, ModelLibrary } from "./library.ts";
import type { ChosenKernels, CompiledKernel } from "./pipelines.ts";
import type { FunctionPlan } from "./plan.ts";
import { ShadowedBuffer } from "./shadow.ts";

/** Bytes between the uniforms of two kernels: WebGPU's largest minUniformBufferOffsetAlignment. */
const UNIFORM_STRIDE = 256;
const GRID_WORDS = 3;

interface Step {
  readonly kernel: number;
  readonly buffers: readonly number[];
  bindGroup: GPUBindGroup;
}

export class Program {
  readonly #device: GPUDevice;
  readonly #kernels: readonly CompiledKernel[];
  readonly #launch: Launch;
  readonly #uniformBuffer: GPUBuffer;
  readonly #uniforms: ShadowedBuffer;
  readonly #uniformWords: Int32Array;
  /** Where the launch function writes the words of each kernel's tile. */
  readonly #words: readonly number[];
  readonly #steps: Step[];

  /** `kernels`: all of the variant's, each in the tile that is to run. */
  constructor(
    device: GPUDevice, library: Pick<ModelLibrary, "launch">, fn: FunctionPlan, kernels: ChosenKernels, buffers: BufferTable,
  ) {
    this.#device = device;
    this.#kernels = fn.kernels.map((index) => {
      const kernel = kernels[index];
      if (kernel === undefined) throw new RangeError(`kernel ${index} is not compiled`);
      return kernel;
    });
    let tiles = 0;
    this.#words = this.#kernels.map(({ plan, tile }) => {
      tiles += plan.tiles.length;
      return (tiles - plan.tiles.length + tile) * LAUNCH_WORDS;
    });
    this.#launch = library.launch(fn.launch, tiles);
    const size = Math.max(1, this.#kernels.length) * UNIFORM_STRIDE;
    this.#uniformBuffer = device.createBuffer({ label: "uniforms", size, usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST });
    this.#uniforms = new ShadowedBuffer(device.queue, this.#uniformBuffer);
    this.#uniformWords = new Int32Array(size / 4);
    this.#steps = fn.steps.map((step) => ({ ...step, bindGroup: this.#bind(step.kernel, step.buffers, buffers) }));
  }

  #kernel(index: number): CompiledKernel {
    const kernel = this.#kernels[index];
    if (kernel === undefined) throw new RangeError(`no kernel ${index}`);
    return kernel;
  }

  #wordsOf(index: number): number {
    return this.#words[index] ?? 0;
  }

  #bind(index: number, ids: readonly number[], buffers: BufferTable): GPUBindGroup {
    const { layout, plan } = this.#kernel(index);
    const entries: GPUBindGroupEntry[] = ids.map((id, binding) => ({ binding, resource: buffers.binding(id) }));
    if (plan.uniform >= 0) {
      const resource = { buffer: this.#uniformBuffer, offset: index * UNIFORM_STRIDE, size: UNIFORM_STRIDE };
      entries.push({ binding: plan.uniform, resource });
    }
    return this.#device.createBindGroup({ layout, entries });
  }

  /** Dispatches. */
  get length(): number {
    return this.#steps.length;
  }

  destroy(): void {
    this.#uniformBuffer.destroy();
  }

  /** Makes the bind groups anew that name a KV buffer: those were replaced by larger ones. */
  rebindKv(buffers: BufferTable): void {
    for (const step of this.#steps) {
      if (step.buffers.some((id) => buffers.isKv(id))) step.bindGroup = this.#bind(step.kernel, step.buffers, buffers);
    }
  }

  /**
   * Records all dispatches for `n` new tokens, `kvLength` tokens in the cache counting them. Creates no GPU object.
   * `dispatches`: how many to record, behind so many `before`; for measurements they begin anew behind the last.
   */
  encode(pass: GPUComputePassEncoder, n: number, kvLength: number, dispatches = this.length, before = 0): void {
    const words = this.#launch(n, kvLength);
    this.#kernels.forEach((kernel, i) => {
      const from = this.#wordsOf(i) + GRID_WORDS;
      this.#uniformWords.set(words.subarray(from, from + kernel.plan.uniformWords), (i * UNIFORM_STRIDE) / 4);
    });
    this.#uniforms.write(this.#uniformWords);
    let current = -1;
    for (let i = before; i < before + dispatches; i++) {
      const step = this.#steps[i % this.#steps.length];
      if (step === undefined) return;
      const grid = this.#wordsOf(step.kernel);
      const x = words[grid] ?? 0;
      const y = words[grid + 1] ?? 0;
      const z = words[grid + 2] ?? 0;
      // A sequence's first token sees no keys in the cache: of a dispatch of nothing Chromium's console would tell.
      if (x * y * z === 0) continue;
      if (step.kernel !== current) pass.setPipeline(this.#kernel(step.kernel).pipeline);
      current = step.kernel;
      pass.setBindGroup(0, step.bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    }
  }
}
