/** The GPU as what computes a model. */

import type { FileEntry, TensorEntry } from "../storage/manifest.ts";
import { infoOf } from "./adapter.ts";
import type { Backend, FittingModel, OpenModel, Rehearsal, StartOptions, StartWork } from "./backend.ts";
import { chooseVariants, type ChosenVariants } from "./device.ts";
import { ModelLibrary } from "./library.ts";
import { estimateOn } from "./memory.ts";
import type { MemoryEstimate } from "./memory_estimate.ts";
import { shareWeights } from "./buffers.ts";
import { SHARED_BYTES, libraryOf, onlyAnswering, tryMemory } from "./rehearsal.ts";
import { rowReader, storedFrom } from "./row_reader.ts";
import { openDevice, startModel, type ModelDevice } from "./start.ts";
import type { Notes } from "./tiles.ts";
import { weightUpload } from "./upload.ts";
import { matchTensors } from "./weights.ts";

export class GpuBackend implements Backend {
  readonly name = "the GPU";
  readonly device = "gpu";
  readonly key: string;

  constructor(readonly adapter: GPUAdapter, readonly library: FileEntry) {
    const { vendor, architecture, device, description } = infoOf(adapter);
    this.key = JSON.stringify([vendor, architecture, device, description]);
  }

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
    return this.#opened(await openDevice(this.adapter, this.library, this.variants, this.options, notes));
  }

  async rehearse(notes: Notes): Promise<Rehearsal> {
    const [first, ...others] = this.variants;
    const variants: ChosenVariants = [onlyAnswering(first), ...others.map(onlyAnswering)];
    let available = 0;
    const on = await openDevice(this.adapter, libraryOf(this.library, variants), variants, this.options, notes, async (device, plan) => {
      available = await tryMemory(device, this.memory.total); // on this device: an adapter gives one
      return shareWeights(device, plan, SHARED_BYTES);
    });
    return { ...this.#opened(on), available };
  }

  #opened(on: ModelDevice): OpenModel {
    const { tensors, library, options } = this;
    const upload = weightUpload(on);
    return {
      write: (offset, bytes) => upload.write(tensors, offset, bytes),
      dispose: () => on.device.destroy(), // with everything that was made on it
      start: async (work: StartWork) => {
        void work.weights.then(() => upload.free(), () => undefined);
        const rows = rowReader(library.plan, tensors, work.ranges);
        const { runner, variant, warning, watch } = await startModel(on, { ...work, options, rows });
        const computer = { device: "gpu", vendor: infoOf(on.adapter).vendor, threads: 1 } as const;
        return { runner, abi: library.abi, variant: variant.name, computer, warning, lost: watch.lost };
      },
    };
  }
}
