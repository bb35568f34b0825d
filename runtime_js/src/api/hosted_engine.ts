/** OpenAI's shapes on models that somebody else holds. */

import { BaseEngine } from "./base_engine.ts";
import type { ModelHost } from "./host.ts";

export class HostedEngine extends BaseEngine {
  readonly host: ModelHost;

  constructor(host: ModelHost) {
    super();
    this.host = host;
  }
}
