/** What the step loop has under way, and how it may end. */

import type { StepResult } from "../executor/runner.ts";
import { DeviceLostError, GPUExecutionError, NoAnswerError, type MLCEngineError } from "../support/errors.ts";
import type { Generation } from "./generation.ts";

/** A step or a chunk of a prompt under way. */
export interface Flight {
  /** Whose tokens it samples, by row; of tokens that do not count nobody's. */
  rows: readonly (Generation | null)[];
  /** Of whose prompt it is a chunk. */
  prompt: Generation | null;
  /** Whether it is the last one of a prompt behind which nothing is sampled. */
  readonly isEnd: boolean;
  /** Rows that it computes. */
  readonly computed: number;
  /** Whether it checks guesses. */
  readonly isGuess: boolean;
  readonly results: Promise<readonly StepResult[]>;
  /** When it was submitted, where nothing else was under way. */
  begun?: number;
}

/** Whether whoever computes is gone, and not only a step. */
export function isLoss(error: unknown): error is MLCEngineError {
  return error instanceof DeviceLostError || error instanceof GPUExecutionError || error instanceof NoAnswerError;
}
