/** Single steps: tokens in, the next one out. */

import type { ModelHost } from "../api/host.ts";
import { InternalError } from "../support/errors.ts";

/** What was computed for each model stays in its cache, so that a step computes what is new. */
export class Steps {
  readonly #host: ModelHost;
  readonly #known = new Map<string, number[]>();

  constructor(host: ModelHost) {
    this.#host = host;
  }

  forget(): void {
    this.#known.clear();
  }

  async next(model: string, inputIds: readonly number[]): Promise<number> {
    const tokens = [...this.#known.get(model) ?? [], ...inputIds];
    this.#known.set(model, tokens);
    const { events } = await this.#host.begin({
      request: { prompt: { kind: "tokens", tokens }, maxTokens: 1, sampling: {}, stop: [], ignoreEos: true }, model,
    });
    for await (const event of events) if (event.type === "token") return event.token;
    throw new InternalError("A step drew no token.");
  }
}
