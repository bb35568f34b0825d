/** The CPU as what computes a model. */

import type { FileEntry, TensorEntry } from "../../storage/manifest.ts";
import { FeatureSupportError } from "../../support/errors.ts";
import { log } from "../../support/log.ts";
import { mayShare, mayStandStill, threadCount } from "../../support/thread.ts";
import {
  INITIAL_TOKENS, askedLength, type Backend, type FittingModel, type OpenModel, type Rehearsal, type RunningModel, type StartOptions, type StartWork,
} from "../backend.ts";
import { VariantError, firstThatWorks } from "../device.ts";
import type { MemoryEstimate } from "../memory_estimate.ts";
import { rowReader, storedFrom } from "../row_reader.ts";
import { selfTest } from "../self_test.ts";
import { matchTensors, rangesOf } from "../weights.ts";
import type { CpuInstance } from "./instance.ts";
import { CpuLibrary } from "./library.ts";
import { Machine } from "./machine.ts";
import { SHARED_BYTES_OF_CPU } from "../rehearsal.ts";
import { cpuKey } from "./features.ts";
import { CpuMemory, checkAddressable, estimateCpu, tryCpuMemory } from "./memory.ts";
import type { CpuVariant } from "./plan.ts";
import { CpuRunner } from "./runner.ts";
import { Threads } from "./threads.ts";

/** A step is too short for more of them to help, and other programs want some. */
const MOST_THREADS = 8;

/** Threads beside this one: as many as there are processors, where memory may be shared. */
function furtherThreads(): number {
  return mayShare() && !mayStandStill() ? Math.max(0, Math.min(MOST_THREADS, threadCount()) - 1) : 0;
}

export class CpuBackend implements Backend {
  readonly name = "the CPU";
  readonly device = "cpu";
  readonly key = cpuKey();
  readonly #threads: number;

  constructor(readonly library: FileEntry, threads = 1 + furtherThreads()) {
    this.#threads = threads - 1;
  }

  async fit(bytes: Uint8Array<ArrayBuffer>, tensors: readonly TensorEntry[], options: StartOptions): Promise<FittingModel> {
    const library = await CpuLibrary.load(bytes, this.#threads > 0);
    matchTensors(tensors, library.plan);
    const variants = library.plan.variants.filter(({ name }) => name === (options.variant ?? name));
    const [first] = variants;
    if (first === undefined) {
      throw new FeatureSupportError(
        `On the CPU the model has no variant "${options.variant}"; it has ${library.plan.variants.map(({ name }) => name).join(", ")}.`);
    }
    return new FittingCpu(library, first, variants, tensors, options, this.#threads);
  }
}

class FittingCpu implements FittingModel {
  readonly memory: MemoryEstimate;
  readonly storedFrom: number;

  constructor(
    readonly library: CpuLibrary, readonly first: CpuVariant, readonly variants: readonly CpuVariant[],
    readonly tensors: readonly TensorEntry[], readonly options: StartOptions, readonly threads: number,
  ) {
    const { plan, ownBytes } = library;
    this.memory = estimateCpu(plan, first, ownBytes, threads, askedLength(options, plan.model));
    checkAddressable(this.memory);
    this.storedFrom = storedFrom(plan, tensors);
  }

  open(): Promise<OpenModel> {
    return this.#open();
  }

  async rehearse(): Promise<Rehearsal> {
    const available = tryCpuMemory(this.memory.total);
    const open = await this.#open(SHARED_BYTES_OF_CPU);
    const { fixed, memory: { buffer } } = open.memory;
    new Uint8Array(buffer, Math.min(...fixed.weights)).fill(0); // what was never written, of weights, keys or values, may be one page in a cache
    return Object.assign(open, { available });
  }

  async #open(room?: number): Promise<OpenCpu> {
    const { library, first, threads, options } = this;
    const { pageSize } = library.plan.model;
    const contextLength = askedLength(options, library.plan.model);
    const pages = Math.ceil(Math.min(INITIAL_TOKENS, contextLength) / pageSize);
    const memory = CpuMemory.make(library, first, threads, pages, contextLength, room);
    const instance = await library.prepare(memory.memory);
    instance.steps.steps_reset(memory.fixed.team);
    return new OpenCpu(this, memory, instance, contextLength);
  }
}

class OpenCpu implements OpenModel {
  readonly #life = new AbortController();
  /** They start while weights come. */
  readonly #threads: Promise<Threads>;
  #runner: CpuRunner | undefined;

  constructor(readonly model: FittingCpu, readonly memory: CpuMemory, readonly instance: CpuInstance, readonly contextLength: number) {
    const { module, plan } = model.library;
    const { team, stacks } = memory.fixed;
    const entries = plan.kernels.map(({ entry }) => entry);
    this.#threads = Threads.start({ module, memory: memory.memory, entries, team }, stacks, this.#life.signal);
  }

  async write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { memory: { fixed: { weights } }, model: { tensors } } = this;
    for (const { tensor, to, from, length } of rangesOf(tensors, offset, bytes.byteLength)) {
      const place = weights[tensor];
      if (place !== undefined) this.memory.bytes(place + to, length).set(bytes.subarray(from, from + length));
    }
  }

  async start({ probe, weights, ranges, signal, onCompiled }: StartWork): Promise<RunningModel> {
    const { model: { library, variants, tensors, threads: wanted }, memory, instance, contextLength } = this;
    const threads = await this.#threads;
    signal.throwIfAborted();
    if (threads.count < wanted) log.warn(`Of ${wanted} further threads ${threads.count} started.`);
    onCompiled(1, 1);
    await weights;
    return firstThatWorks(variants, "this CPU", async (variant) => {
      signal.throwIfAborted();
      const machine = new Machine({ library, memory, instance, threads }, variant);
      const runner = this.#runner = new CpuRunner(library.plan, variant, machine, contextLength, rowReader(library.plan, tensors, ranges));
      if (probe !== undefined) await selfTest(runner, probe).catch(refuse);
      log.info(`Variant ${variant.name} on the CPU, ${machine.threads} threads, context window ${contextLength} tokens`);
      const decodes = runner.shape.rowCounts.length > 0;
      const speed = probe !== undefined && decodes ? { tokensPerSecond: await runner.expectedSpeed(probe.tokens) } : {};
      const computer = { device: "cpu", vendor: "", threads: machine.threads, ...speed } as const;
      return { runner, abi: library.abi, variant: variant.name, computer, lost: machine.lost };
    });
  }

  dispose(): void {
    this.#life.abort();
    void this.#threads.then((threads) => threads.terminate());
    this.#runner?.dispose();
  }
}

/** A kernel that leaves its memory is as wrong as one that computes wrong numbers. */
function refuse(error: unknown): never {
  throw error instanceof WebAssembly.RuntimeError ? new VariantError(`a kernel fails (${error.message})`) : error;
}
