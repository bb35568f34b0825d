/** Single steps: tokens in, the next one out. */

import type { ModelHost } from "../api/host.ts";
import type { LogitProcessor } from "../engine/logit_processor.ts";
import { InternalError } from "../support/errors.ts";

/** What was computed for each model stays in its cache, so that a step computes what is new. */
export class Steps {
  readonly #host: ModelHost;
  readonly #known = new Map<string, number[]>();
  /** Models with a step under way that is not the first of its text. */
  readonly #goingOn = new Set<string>();

  constructor(host: ModelHost) {
    this.#host = host;
  }

  forget(): void {
    this.#known.clear();
  }

  /** The same processor, for which the steps of a text are one answer. */
  joining(model: string, processor: LogitProcessor): LogitProcessor {
    return {
      processLogits: (logits) => processor.processLogits(logits),
      processSampledToken: (token) => processor.processSampledToken(token),
      resetState: () => { if (!this.#goingOn.has(model)) processor.resetState(); },
    };
  }

  async next(model: string, inputIds: readonly number[]): Promise<number> {
    const before = this.#known.get(model) ?? [];
    const tokens = [...before, ...inputIds];
    this.#known.set(model, tokens);
    if (before.length > 0) this.#goingOn.add(model);
    try {
      return await this.#step(model, tokens);
    } finally {
      this.#goingOn.delete(model);
    }
  }

  async #step(model: string, tokens: readonly number[]): Promise<number> {
    const { events } = await this.#host.begin({
      request: { prompt: { kind: "tokens", tokens }, maxTokens: 1, sampling: {}, stop: [], ignoreEos: true }, model,
    });
    for await (const event of events) if (event.type === "token") return event.token;
    throw new InternalError("A step drew no token.");
  }
}
