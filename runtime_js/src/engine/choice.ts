/** What is asked of a load, and who hears of it. */

import type { Computer, Device } from "../executor/devices.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { StartOptions } from "../executor/backend.ts";
import type { ModelSource } from "../storage/source.ts";
import type { MLCEngineError } from "../support/errors.ts";
import type { InitProgressReport } from "./progress.ts";
import type { VisionLoad } from "./vision_load.ts";

/** A model to load, and how. */
export interface ModelChoice extends StartOptions {
  /** Of a model that sees. Default: "eager". */
  readonly vision?: VisionLoad | undefined;
  /** Default: "auto". */
  readonly device?: Device | undefined;
  /** What responses call the model. */
  readonly modelId: string;
  readonly source: ModelSource;
  /** Bytes that the engine's models may take together on one device; default: what there is. */
  readonly memoryLimit?: number | undefined;
}

/** Who hears of a load, and of the device that it made. */
export interface LoadListener {
  progress(report: InitProgressReport): void;
  /** Told before weights are fetched what the model will take, and of whom. Raises OutOfMemoryError where it may not. */
  needs(memory: MemoryEstimate, device: Computer["device"]): void;
  /** The device went away by itself after the load. */
  lost(error: MLCEngineError): void;
}
