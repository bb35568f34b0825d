/** What is asked of a load, and who hears of it. */

import type { Calibration } from "../executor/calibration.ts";
import type { ModelSource } from "../storage/model_folder.ts";
import type { MLCEngineError } from "../support/errors.ts";
import type { InitProgressReport } from "./progress.ts";

/** A model to load, and how. */
export interface ModelChoice {
  /** What responses call the model. */
  readonly modelId: string;
  readonly source: ModelSource;
  /** Tokens that one conversation may hold; default: the model's own length. */
  readonly contextLength?: number | undefined;
  /** Runs this variant of the model or fails; default: the first that the adapter supports. */
  readonly variant?: string | undefined;
  readonly calibrate?: Calibration | undefined;
}

/** Who hears of a load, and of the device that it made. */
export interface LoadListener {
  progress(report: InitProgressReport): void;
  /** The device went away by itself after the load. */
  lost(error: MLCEngineError): void;
}
