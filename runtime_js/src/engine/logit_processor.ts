/** Code of the embedder's that has a part in drawing tokens, on the CPU: WebLLM's interface. */

import { RequestValidationError } from "../support/errors.ts";

/**
 * Its methods are called in turn: `resetState` before an answer, then for each of its tokens `processLogits` and `processSampledToken`; of
 * tokens that a grammar forces the latter alone. Answers of a model that has one come one after the other, and wait for it at every token,
 * so steps are not submitted ahead. What it throws fails the answer.
 */
export interface LogitProcessor {
  /** Gives the logits that are drawn from, float32[vocabulary]: the model's own, changed in place, or others. Biases and filters come after. */
  processLogits(logits: Float32Array): Float32Array;
  processSampledToken(token: number): void;
  resetState(): void;
}

/** A processor's part in one answer. */
export class ProcessedAnswer {
  readonly #processor: LogitProcessor;
  #hasBegun: boolean;

  /** goesOn: with the answer before it, so that nothing is reset. */
  constructor(processor: LogitProcessor, goesOn: boolean) {
    this.#processor = processor;
    this.#hasBegun = goesOn;
  }

  /** Changes the logits in place. */
  readonly process = (logits: Float32Array): void => {
    if (!this.#hasBegun) this.#processor.resetState();
    this.#hasBegun = true;
    const changed: unknown = this.#processor.processLogits(logits);
    if (!(changed instanceof Float32Array) || changed.length !== logits.length) {
      throw new RequestValidationError(`processLogits() of a LogitProcessor must return a Float32Array of ${logits.length} numbers.`);
    }
    if (changed !== logits) logits.set(changed);
  };

  sampled(token: number): void {
    this.#processor.processSampledToken(token);
  }
}
