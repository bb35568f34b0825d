/** The GPU as what computes a model. */

import type { FileEntry, TensorEntry } from "../storage/manifest.ts";
import { owed } from "../support/patience.ts";
import { infoOf } from "./adapter.ts";
import type { Backend, FittingModel, OpenModel, StartOptions, StartWork } from "./backend.ts";
import { chooseVariants, type ChosenVariants } from "./device.ts";
import { ModelLibrary } from "./library.ts";
import { estimateOn } from "./memory.ts";
import type { MemoryEstimate } from "./memory_estimate.ts";
import { rowReader, storedFrom } from "./row_reader.ts";
import { openDevice, startModel, type ModelDevice } from "./start.ts";
import type { Notes } from "./tiles.ts";
import { matchTensors, writeRange } from "./weights.ts";

export class GpuBackend implements Backend {
  readonly name = "the GPU";
  readonly device = "gpu";

  constructor(readonly adapter: GPUAdapter, readonly library: FileEntry) {}

  async fit(bytes: Uint8Array<ArrayBuffer>, tensors: readonly TensorEntry[], options: StartOptions): Promise<FittingModel> {
    const library = await ModelLibrary.load(bytes);
    matchTensors(tensors, library.plan);
    const variants = chooseVariants(this.adapter, library.plan, options.variant);
    return new FittingGpu(this.adapter, library, variants, tensors, options);
  }
}

class FittingGpu implements FittingModel {
  readonly memory: MemoryEstimate;
  readonly storedFrom: number;

  constructor(
    readonly adapter: GPUAdapter, readonly library: ModelLibrary, readonly variants: ChosenVariants, readonly tensors: readonly TensorEntry[],
    readonly options: StartOptions,
  ) {
    this.memory = estimateOn(adapter, library.plan, variants[0], options.contextLength);
    this.storedFrom = storedFrom(library.plan, tensors);
  }

  async open(notes: Notes): Promise<OpenModel> {
    const on = await openDevice(this.adapter, this.library, this.variants, this.options, notes);
    const { tensors, library, options } = this;
    return {
      write: (offset, bytes) => write(on, tensors, offset, bytes),
      dispose: () => on.device.destroy(), // with everything that was made on it
      start: async (work: StartWork) => {
        const rows = rowReader(library.plan, tensors, work.ranges);
        const { runner, variant, warning, watch } = await startModel(on, { ...work, options, rows });
        const computer = { device: "gpu", vendor: infoOf(on.adapter).vendor, threads: 1 } as const;
        return { runner, abi: library.abi, variant: variant.name, computer, warning, lost: watch.lost };
      },
    };
  }
}

/** Resolves when the GPU has them, so that no more than the shards in flight wait in memory. */
async function write(on: ModelDevice, tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { device, watch, weights } = on;
  writeRange(device.queue, weights, tensors, offset, bytes);
  device.queue.submit([]);
  await watch.guard(owed("weights to be written", device.queue.onSubmittedWorkDone()));
}
