/** Runs the plan on the GPU. A step is one command buffer with one compute pass, and creates no other GPU object. */

import type { CacheView, ModelRunner, Row, RunnerShape, StepResult } from "./runner.ts";
import { BufferTable } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";
import { BufferUsage, MapMode } from "./gpu_flags.ts";
import type { ModelLibrary } from "./library.ts";
import type { CompiledKernel } from "./pipelines.ts";
import { FUNCTION_NAMES, HISTORY_LENGTH, type FunctionName, type Plan, type PlanModel, type VariantPlan } from "./plan.ts";
import { Program } from "./program.ts";
import { ReadbackRing } from "./readback.ts";
import { rotaryTable } from "./rope.ts";
import { ShadowedBuffer } from "./shadow.ts";

/** Results that may be on their way to the CPU at a time: those of one request, and what the one before it left behind. */
const READBACK_SLOTS = 8;

/** How the names of its weights begin. */
const FIRST_LAYER = "layers.0.";

export interface ExecutorParts {
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  readonly library: Pick<ModelLibrary, "plan" | "launch">;
  readonly variant: VariantPlan;
  readonly buffers: BufferTable;
  readonly kernels: readonly CompiledKernel[];
  readonly contextLength: number;
}

/** Pages that one layer's cache may have on this device. */
export function maxPages(device: GPUDevice, variant: VariantPlan): number {
  return Math.floor(Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize) / variant.kvPageBytes);
}

export class PlanExecutor implements ModelRunner {
  readonly shape: RunnerShape;
  readonly #device: GPUDevice;
  readonly #watch: DeviceWatch;
  readonly #plan: Plan;
  readonly #model: PlanModel;
  readonly #variant: VariantPlan;
  readonly #buffers: BufferTable;
  readonly #programs: ReadonlyMap<FunctionName, Program>;
  readonly #pageTable: ShadowedBuffer;
  readonly #sampling: ShadowedBuffer;
  readonly #results: ReadbackRing;
  #samples = 0;

  constructor({ device, watch, library, variant, buffers, kernels, contextLength }: ExecutorParts) {
    this.#device = device;
    this.#watch = watch;
    this.#plan = library.plan;
    this.#model = library.plan.model;
    this.#variant = variant;
    this.#buffers = buffers;
    this.shape = { contextLength, pageSize: this.#model.pageSize, prefillChunk: this.#model.prefillChunk, rows: 1 };
    this.#programs = new Map(FUNCTION_NAMES.map((name) => [name, new Program(device, library, variant.functions[name], kernels, buffers)]));
    this.#pageTable = new ShadowedBuffer(device.queue, buffers.io("page_table"));
    this.#sampling = new ShadowedBuffer(device.queue, buffers.io("sampling"));
    this.#results = new ReadbackRing(device, watch, READBACK_SLOTS);
  }

  async reservePages(pages: number): Promise<number> {
    this.#watch.check();
    const { contextLength, pageSize } = this.shape;
    if (pages > this.#buffers.pages) {
      const most = Math.ceil(contextLength / pageSize);
      try {
        await this.#buffers.growKv(Math.max(pages, Math.min(2 * this.#buffers.pages, most)));
      } finally {
        for (const program of this.#programs.values()) program.rebindKv(this.#buffers);
      }
    }
    return this.#buffers.pages;
  }

  async prefill(tokens: readonly number[], position: number, cache: CacheView): Promise<void> {
    this.#writeTokens(tokens);
    this.#submit(["prefill"], tokens.length, position, cache);
    await this.#watch.guard(this.#device.queue.onSubmittedWorkDone());
  }

  prefillAndSample(tokens: readonly number[], position: number, cache: CacheView, sampling: Uint32Array): Promise<StepResult> {
    this.#writeTokens(tokens);
    return this.#sample(["prefill", "logits", "sample"], tokens.length, position, cache, sampling);
  }

  async decode([row, ...more]: readonly Row[]): Promise<readonly StepResult[]> {
    if (row === undefined || more.length > 0) throw new RangeError("a decode step has one row");
    const { position, cache, sampling, token } = row;
    if (token !== undefined) this.#writeTokens([token]);
    return [await this.#sample(["decode", "sample"], 1, position, cache, sampling)];
  }

  /**
   * float32[hidden_size]: the hidden state of the last of `tokens` behind the model's first layer, by a prefill or (of one token) a decode
   * step that ends there. For a check of the GPU: it makes a buffer.
   */
  async firstLayer(name: "prefill" | "decode", tokens: readonly number[], position: number): Promise<Float32Array> {
    const { steps, kernels } = this.#variant.functions[name];
    const end = steps.findLastIndex(({ buffers }) => buffers.some((id) => this.#plan.weights[id]?.name.startsWith(FIRST_LAYER)));
    const step = steps[end];
    const { bindings = [] } = this.#variant.kernels[kernels[step?.kernel ?? -1] ?? -1] ?? {};
    const output = step?.buffers[bindings.lastIndexOf("read_write")];
    if (output === undefined) throw new RangeError(`${name} has no kernel that writes what the first layer gives`);
    const { buffer, offset } = this.#buffers.binding(output);
    const { size } = this.#buffers.io("hidden");
    const staging = this.#device.createBuffer({ size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
    const cache = { pages: Int32Array.of(0), copies: new Int32Array() };
    this.#writeTokens(tokens);
    this.#submit([name], tokens.length, position, cache, 0,
      (encoder) => encoder.copyBufferToBuffer(buffer, offset + (tokens.length - 1) * size, staging, 0, size), end + 1);
    await this.#watch.guard(staging.mapAsync(MapMode.READ));
    const hidden = new Float32Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return hidden;
  }

  #writeTokens(tokens: readonly number[]): void {
    this.#device.queue.writeBuffer(this.#buffers.io("tokens"), 0, Int32Array.from(tokens));
  }

  /** Submits a step that samples; the id comes later, through the history's next place. */
  async #sample(
    functions: readonly FunctionName[], n: number, position: number, cache: CacheView, sampling: Uint32Array,
  ): Promise<StepResult> {
    this.#sampling.write(sampling);
    const slot = this.#samples++ % HISTORY_LENGTH;
    const result = this.#results.take();
    this.#submit(functions, n, position, cache, slot, (encoder) => result.copy(encoder, this.#buffers.io("history"), 4 * slot));
    return { token: await result.read() };
  }

  /** Records and submits one step; `finish` may record more behind its compute pass, `dispatches` ends each function early. */
  #submit(
    functions: readonly FunctionName[], n: number, position: number, cache: CacheView, slot = 0,
    finish?: (encoder: GPUCommandEncoder) => void, dispatches?: number,
  ): void {
    this.#watch.check();
    const state = new Int32Array(16);
    state.set([position, n, slot]);
    this.#device.queue.writeBuffer(this.#buffers.io("state"), 0, state);
    this.#model.ropes.forEach((rope, index) => {
      this.#device.queue.writeBuffer(this.#buffers.io(`rope${index}`), 0, rotaryTable(rope, position, n));
    });
    this.#pageTable.write(cache.pages);
    const encoder = this.#device.createCommandEncoder();
    this.#buffers.copyPages(encoder, cache.copies);
    const pass = encoder.beginComputePass();
    for (const name of functions) this.#programs.get(name)?.encode(pass, n, position + n, dispatches);
    pass.end();
    finish?.(encoder);
    this.#device.queue.submit([encoder.finish()]);
  }
}
