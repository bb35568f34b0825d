/** What can compute a model. A load asks it for its library, lets weights stream into it, and gets a runner. */

import type { FileEntry, Probe, TensorEntry } from "../storage/manifest.ts";
import type { Tile } from "../media/picture.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { WeightRanges } from "../storage/weight_ranges.ts";
import type { WasmAbi } from "./abi.generated.ts";
import type { Calibration } from "./calibration.ts";
import type { Computer } from "./devices.ts";
import type { MLCEngineError } from "../support/errors.ts";
import type { MemoryEstimate } from "./memory_estimate.ts";
import type { PlanModel } from "./plan.ts";
import type { ModelRunner } from "./runner.ts";
import type { FirstLayer } from "./self_test.ts";
import type { Notes } from "./tiles.ts";

/** Tokens that the cache has room for at first; it grows with a conversation. */
export const INITIAL_TOKENS = 256;

export interface StartOptions {
  /** Tokens that one conversation may hold; default: the model's own length. */
  readonly contextLength?: number | undefined;
  readonly calibrate?: Calibration | undefined;
  /** Runs this variant of the model or fails; default: the first that works. */
  readonly variant?: string | undefined;
}

export interface Backend {
  /** Who is waited for, as "the GPU". */
  readonly name: string;
  /** What measurements on it are kept by: another processor has another. */
  readonly key: string;
  /** Whose memory it takes. */
  readonly device: Computer["device"];
  /** The file with its code. */
  readonly library: FileEntry;
  /** Reads the library. Raises ManifestError, FeatureSupportError or OutOfMemoryError where it cannot compute the model. */
  fit(library: Uint8Array<ArrayBuffer>, tensors: readonly TensorEntry[], options: StartOptions): Promise<FittingModel>;
}

/** A model that this machine may compute, as far as is known before it is tried. */
export interface FittingModel {
  readonly memory: MemoryEstimate;
  /** From this byte of the weight stream on there are weights that stay in storage; Infinity: there are none. */
  readonly storedFrom: number;
  /** Makes room for the weights. Raises OutOfMemoryError, WebGPUNotAvailableError. */
  open(notes: Notes): Promise<OpenModel>;
  /** Makes room for a part of them, which they share: a step then takes as long as with weights, and says nothing. Raises as `open` does. */
  rehearse(notes: Notes): Promise<Rehearsal>;
}

/** A model without its weights, to be measured. */
export interface Rehearsal extends OpenModel {
  /** Bytes of `memory.total` that the machine gave when it was asked for them, and got back. */
  readonly available: number;
}

export interface OpenModel {
  /** Takes the weight stream's bytes from `offset` on; pieces come in any order. */
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The model in the first of the variants that works. Raises FeatureSupportError where none does, OutOfMemoryError, and what weights fail with. */
  start(work: StartWork): Promise<RunningModel>;
  /** Frees all that was made, whatever is under way. */
  dispose(): void;
}

export interface StartWork {
  readonly notes: Notes;
  /** What is computed to check the backend; absent where the weights have none. */
  readonly probe: Probe | undefined;
  /** Done when all weights are written. */
  readonly weights: Promise<void>;
  /** What is stored of them, where some stay in storage. */
  readonly ranges: Pick<WeightRanges, "read">;
  readonly onCompiled: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** A runner that shows what it computes. */
export interface InspectableRunner extends ModelRunner, FirstLayer {
  /** Of a tower: the vectors of some tiles, of which one call has at most `shape.patchFloats` floats. */
  see(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>>;
  /** float32[vocab_size]: those of row 0 that the latest step left behind. For tests and measurements. */
  logits(): Promise<Float32Array>;
  /** How many times as much as its first layer a decode step reads of the weights. */
  readonly layersOfStep: number;
}

export interface RunningModel {
  readonly runner: InspectableRunner;
  /** Of the sequence manager. */
  readonly abi: WasmAbi;
  readonly variant: string;
  readonly computer: Computer;
  /** What its user may want to know. */
  readonly warning?: string | undefined;
  /** Resolves when it computes no more, with why. */
  readonly lost: Promise<MLCEngineError>;
}

/** The context that is asked for. Raises RequestValidationError. */
export function askedLength({ contextLength }: StartOptions, model: PlanModel): number {
  if (contextLength !== undefined && contextLength > model.contextLength) {
    throw new RequestValidationError(
      `context_window_size is ${contextLength}, but the model was built for ${model.contextLength} tokens at most.`);
  }
  return contextLength ?? model.contextLength;
}
