/** What an engine in this thread and a handle on one in a worker have in common: their configuration. */

import { parseAppConfig, parseChatOptions, resolveModel } from "./config.ts";
import type { ModelChoice } from "../engine/load.ts";
import { RequestValidationError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import type {
  AppConfig, Calibration, ChatOptions, InitProgressCallback, InitProgressReport, MLCEngineConfig,
} from "./types.ts";

export abstract class ConfiguredEngine {
  readonly #variant: string | undefined;
  readonly #calibrate: Calibration | undefined;
  #appConfig: AppConfig | undefined;
  #onProgress: InitProgressCallback | undefined;

  constructor({ appConfig, initProgressCallback, variant, calibrate }: MLCEngineConfig) {
    this.#variant = variant;
    this.#calibrate = calibrate;
    this.#onProgress = initProgressCallback;
    if (appConfig !== undefined) this.setAppConfig(appConfig);
  }

  setInitProgressCallback(callback: InitProgressCallback | undefined): void {
    this.#onProgress = callback;
  }

  getInitProgressCallback(): InitProgressCallback | undefined {
    return this.#onProgress;
  }

  setAppConfig(appConfig: AppConfig): void {
    this.#appConfig = parseAppConfig(appConfig);
  }

  protected report(progress: InitProgressReport): void {
    this.#onProgress?.(progress);
  }

  /** What `reload` asks for. Raises ModelNotFoundError or RequestValidationError. */
  protected choose(modelId: string, chatOpts: ChatOptions): ModelChoice {
    const options = new Fields(chatOpts, "chatOpts", (message) => new RequestValidationError(`Invalid options: ${message}.`));
    const { model_id, ...source } = resolveModel(modelId, this.#appConfig);
    return {
      modelId: model_id,
      source,
      contextLength: parseChatOptions(options).context_window_size,
      variant: this.#variant,
      calibrate: this.#calibrate,
    };
  }
}
