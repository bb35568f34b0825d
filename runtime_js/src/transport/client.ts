/// <reference lib="esnext.disposable" preserve="true" />
/** The page's handle on an engine that lives in a worker. */

import { BaseEngine } from "../api/base_engine.ts";
import type { RequestOptions } from "../api/openai/types.ts";
import type { ChatOptions, MLCEngineConfig } from "../api/types.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { HostListener, ModelHost } from "../api/host.ts";
import { RemoteHost } from "./remote_host.ts";
import type { WorkerLike } from "./worker_like.ts";

export type { WorkerLike };

/** @internal Models elsewhere, which ends with its last client. */
export interface DistantHost extends ModelHost {
  terminate(): void;
}

/** Missing in browsers of before 2025. */
const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

export class WebWorkerMLCEngine extends BaseEngine implements Disposable {
  /** @internal */
  readonly host: DistantHost;

  constructor(worker: WorkerLike, engineConfig?: MLCEngineConfig | null);
  /** @internal `open`: reaches the models. */
  constructor(worker: WorkerLike, engineConfig: MLCEngineConfig | null | undefined, open: ((worker: WorkerLike, listener: HostListener) => DistantHost) | undefined);
  constructor(
    worker: WorkerLike, engineConfig?: MLCEngineConfig | null,
    open: (worker: WorkerLike, listener: HostListener) => DistantHost = (...call) => new RemoteHost(...call),
  ) {
    super(engineConfig);
    if (engineConfig?.logitProcessorRegistry !== undefined) {
      throw new RequestValidationError(
        "logitProcessorRegistry needs an engine in this thread (MLCEngine), or one that your own worker gives to WebWorkerMLCEngineHandler.",
        { param: "logitProcessorRegistry" });
    }
    this.host = open(worker, this.listener);
    if (this.logLevel !== undefined) this.setLogLevel(this.logLevel);
  }

  /** Ends the worker, and with it the model and the GPU's memory. What waits is rejected with AbortError, and so is what comes later. */
  terminate(): void {
    this.host.terminate();
  }

  [DISPOSE](): void {
    this.terminate();
  }
}

/**
 * Makes an engine in `worker` (a script that runs a WebWorkerMLCEngineHandler) and loads a model into it. The worker is the caller's, who
 * ends it where this rejects.
 * @param modelId an id of `engineConfig.appConfig.model_list`, or the URL of a manifest
 * @param options its signal ends the load
 */
export async function CreateWebWorkerMLCEngine(
  worker: WorkerLike, modelId: string | readonly string[], engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions | readonly ChatOptions[],
  options?: RequestOptions,
): Promise<WebWorkerMLCEngine> {
  const engine = new WebWorkerMLCEngine(worker, engineConfig);
  await engine.reload(modelId, chatOpts, options);
  return engine;
}
