/** Runs the plan on the GPU. A step is one command buffer with one compute pass, and creates no other GPU object. */

import type { CacheView, ModelRunner, Row, RunnerShape, StepResult } from "./runner.ts";
import { BufferTable } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";
import type { ModelLibrary } from "./library.ts";
import type { CompiledKernel } from "./pipelines.ts";
import { FUNCTION_NAMES, HISTORY_LENGTH, type FunctionName, type PlanModel, type VariantPlan } from "./plan.ts";
import { Program } from "./program.ts";
import { ReadbackRing } from "./readback.ts";
import { rotaryTable } from "./rope.ts";
import { ShadowedBuffer } from "./shadow.ts";

/** Results that may be on their way to the CPU at a time: those of one request, and what the one before it left behind. */
const READBACK_SLOTS = 8;

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
  readonly #model: PlanModel;
  readonly #buffers: BufferTable;
  readonly #programs: ReadonlyMap<FunctionName, Program>;
  readonly #pageTable: ShadowedBuffer;
  readonly #sampling: ShadowedBuffer;
  readonly #results: ReadbackRing;
  #samples = 0;

  constructor({ device, watch, library, variant, buffers, kernels, contextLength }: ExecutorParts) {
    this.#device = device;
    this.#watch = watch;
    this.#model = library.plan.model;
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

  /** Records and submits one step; `finish` may record more behind its compute pass. */
  #submit(
    functions: readonly FunctionName[], n: number, position: number, cache: CacheView, slot = 0,
    finish?: (encoder: GPUCommandEncoder) => void,
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
    for (const name of functions) this.#programs.get(name)?.encode(pass, n, position + n);
    pass.end();
    finish?.(encoder);
    this.#device.queue.submit([encoder.finish()]);
  }
}
