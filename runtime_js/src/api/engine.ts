/** The engine in this thread. */

import type { LoadListener, ModelChoice } from "../engine/choice.ts";
import type { LogitProcessor } from "../engine/logit_processor.ts";
import type { Session } from "../engine/session.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import { BaseEngine } from "./base_engine.ts";
import { LOADER, LocalHost } from "./local_host.ts";
import type { RequestOptions } from "./openai/types.ts";
import type { ChatOptions, MLCEngineConfig } from "./types.ts";

export class MLCEngine extends BaseEngine {
  /** @internal */
  readonly host = new LocalHost(this.listener, {
    open: (...call) => this.open(...call),
    estimate: (...call) => this.estimate(...call),
  });

  constructor(engineConfig?: MLCEngineConfig | null) {
    super(engineConfig);
    this.setLogitProcessorRegistry(engineConfig?.logitProcessorRegistry);
    if (this.logLevel !== undefined) this.setLogLevel(this.logLevel);
  }

  /** By model id; for requests from now on. */
  setLogitProcessorRegistry(registry: ReadonlyMap<string, LogitProcessor> | undefined): void {
    this.host.processors = registry ?? new Map();
  }

  /** @internal Tests and measurements open others. */
  protected open(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
    return LOADER.open(choice, listener, signal);
  }

  /** @internal */
  protected estimate(choice: ModelChoice, signal: AbortSignal): Promise<MemoryEstimate> {
    return LOADER.estimate(choice, signal);
  }
}

/**
 * Makes an engine in this thread and loads a model, or several, into it.
 * @param modelId an id of `engineConfig.appConfig.model_list`, or the URL of a manifest
 * @param options its signal ends the load
 */
export async function CreateMLCEngine(
  modelId: string | readonly string[], engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions | readonly ChatOptions[], options?: RequestOptions,
): Promise<MLCEngine> {
  const engine = new MLCEngine(engineConfig);
  await engine.reload(modelId, chatOpts, options);
  return engine;
}
