/** Single steps: tokens in, the next one out. */

import type { ModelHost } from "../api/host.ts";
import type { SamplingConfig } from "../engine/sampling.ts";
import { InternalError } from "../support/errors.ts";

/** What was computed for each model stays in its cache, so that a step computes what is new. */
export class Steps {
  readonly #host: ModelHost;
  readonly #known = new Map<string, readonly number[]>();

  constructor(host: ModelHost) {
    this.#host = host;
  }

  /** Of a model, or of all. */
  forget(model?: string): void {
    if (model === undefined) this.#known.clear();
    else this.#known.delete(model);
  }

  /** The steps of one text are one answer to a logit processor. */
  async next(model: string, inputIds: readonly number[], sampling: SamplingConfig): Promise<number> {
    const before = this.#known.get(model) ?? [];
    const tokens = [...before, ...inputIds];
    this.#known.set(model, tokens);
    const { events } = await this.#host.begin({
      request: { prompt: { kind: "tokens", tokens }, maxTokens: 1, sampling, stop: [], ignoreEos: true, step: before.length > 0 ? "next" : "first" }, model,
    });
    for await (const event of events) if (event.type === "token") return event.token;
    throw new InternalError("A step drew no token.");
  }
}
