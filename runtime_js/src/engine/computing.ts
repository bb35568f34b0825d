/** Has a backend compute a model of a folder: weights, code, memory and kernels side by side. */

import type { Backend, FittingModel, OpenModel, RunningModel } from "../executor/backend.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { ModelFolder } from "../storage/model_folder.ts";
import { abortable } from "../support/abort.ts";
import type { ModelChoice } from "./choice.ts";
import type { LoadProgress } from "./progress.ts";

export const STOPPED = "Loading was stopped.";

/** A load under way. */
export interface Computation {
  readonly open: Promise<OpenModel>;
  /** All weights are written. */
  readonly weights: Promise<void>;
  /** Kernels are being compiled. */
  readonly compiling: Promise<void>;
  readonly running: Promise<RunningModel>;
}

export interface ComputationWork {
  readonly choice: ModelChoice;
  readonly progress: LoadProgress;
  /** Ends the load. */
  readonly stop: AbortSignal;
  /** Ends what outlives it. */
  readonly life: AbortSignal;
  /** Is told what the model will take before weights are fetched. */
  readonly needs: (memory: MemoryEstimate) => void;
}

/** Weights are read from the moment that the library is there and fits; room for them, and what computes with them, are made meanwhile. */
export function compute(backend: Backend, folder: ModelFolder, { choice, progress, stop, life, needs }: ComputationWork): Computation {
  const { manifest } = folder;
  const library = abortable(progress.during("the model's library", folder.read(backend.library, stop), true), stop, STOPPED);
  const fitting = library.then((bytes) => progress.during("WebAssembly", backend.fit(bytes, manifest.tensors, choice))).then((fits) => {
    needs(withStored(fits, folder));
    return fits;
  });
  const open = fitting.then((fits) => progress.during(`memory of ${backend.name}`, fits.open(folder)));
  const stored = fitting.then(({ storedFrom }) => folder.ranges(storedFrom, life));
  const write = async (offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    await (await open).write(offset, bytes);
    await (await stored).keep(offset, bytes);
  };
  const weights = fitting.then(() =>
    progress.during("the weights", folder.readShards(stop, (file, bytes) => progress.received(file, bytes), write), true));
  let tell = (): void => undefined;
  const compiling = new Promise<void>((resolve) => { tell = resolve; });
  const running = Promise.all([open, stored]).then(([model, ranges]) => progress.during(backend.name, model.start({
    notes: folder, probe: manifest.probe, weights, ranges, signal: stop,
    onCompiled: (done, total) => { tell(); progress.compiled(done, total); },
  })));
  return { open, weights, compiling, running };
}

/** Where nothing here stores them, weights that a model takes from storage lie in memory. */
export function withStored({ memory, storedFrom }: FittingModel, { isKept, manifest }: ModelFolder): MemoryEstimate {
  const bytes = isKept ? 0 : Math.max(0, manifest.weights.bytes - storedFrom);
  return { ...memory, weights: memory.weights + bytes, total: memory.total + bytes };
}
