/** What is remembered of each model: the text of its latest answer, and how fast it was since the last reset. */

import type { CompletionUsage } from "./messages.ts";

class Rate {
  #tokens = 0;
  #seconds = 0;

  add(tokens: number, seconds: number): void {
    this.#tokens += tokens;
    this.#seconds += seconds;
  }

  get perSecond(): number {
    return this.#seconds > 0 ? this.#tokens / this.#seconds : 0;
  }
}

export class Latest {
  message = "";
  #prefill = new Rate();
  #decode = new Rate();

  noteUsage({ prompt_tokens, completion_tokens, extra }: CompletionUsage): void {
    const add = (rate: Rate, tokens: number, perSecond: number): void => { if (perSecond > 0) rate.add(tokens, tokens / perSecond); };
    add(this.#prefill, prompt_tokens, extra.prefill_tokens_per_s);
    add(this.#decode, Math.max(0, completion_tokens - 1), extra.decode_tokens_per_s); // the first comes from the prefill
  }

  noteStep(isPrefill: boolean, tokens: number, seconds: number): void {
    (isPrefill ? this.#prefill : this.#decode).add(tokens, seconds);
  }

  reset(keepStats: boolean): void {
    this.message = "";
    if (!keepStats) [this.#prefill, this.#decode] = [new Rate(), new Rate()];
  }

  get statsText(): string {
    return `prefill: ${this.#prefill.perSecond.toFixed(4)} tokens/sec, decoding: ${this.#decode.perSecond.toFixed(4)} tokens/sec`;
  }
}

export class LatestOfModels {
  readonly #models = new Map<string, Latest>();

  of(modelId: string): Latest {
    const latest = this.#models.get(modelId) ?? new Latest();
    this.#models.set(modelId, latest);
    return latest;
  }

  forget(): void {
    this.#models.clear();
  }
}
