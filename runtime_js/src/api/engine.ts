/** The engine in this thread: one model, whose code is loaded when a model is. */

import { infoOf, requestAdapter } from "../executor/adapter.ts";
import type { LoadListener, ModelChoice } from "../engine/choice.ts";
import type { Session } from "../engine/session.ts";
import { abortError, abortable, childController } from "../support/abort.ts";
import { AbortError, ModelNotFoundError, ModelNotLoadedError } from "../support/errors.ts";
import { setLogLevel } from "../support/log.ts";
import { BaseEngine, type AnswerCall, type BegunAnswer } from "./base_engine.ts";
import type { RequestOptions } from "./openai/types.ts";
import type { ChatOptions, LogLevel, MLCEngineConfig } from "./types.ts";

/** A model that is loaded, or being loaded. */
interface Slot {
  /** Ends the load. */
  readonly controller: AbortController;
  readonly session: Promise<Session>;
  /** The same, from the moment that it is there. */
  loaded: Session | null;
}

const OVERTAKEN = "The model was unloaded, or another was loaded, before this load was done.";

export class MLCEngine extends BaseEngine {
  #slot: Slot | null = null;
  /** Resolves when what was unloaded so far is freed. */
  #freed: Promise<void> = Promise.resolve();

  constructor(engineConfig?: MLCEngineConfig | null) {
    super(engineConfig);
    if (this.logLevel !== undefined) setLogLevel(this.logLevel);
  }

  /** The model before it is unloaded, its load ended where it is not done. Of overlapping calls the last one counts. */
  async load(choice: ModelChoice, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw abortError(signal, "The load was aborted before it began.");
    const freed = this.unload();
    const controller = signal === undefined ? new AbortController() : childController(signal);
    const slot: Slot = { controller, session: this.#open(choice, freed, controller.signal), loaded: null };
    this.#slot = slot;
    try {
      slot.loaded = await slot.session;
    } catch (error) {
      if (this.#slot === slot) this.#slot = null;
      throw error;
    }
  }

  async #open(choice: ModelChoice, freed: Promise<void>, signal: AbortSignal): Promise<Session> {
    await freed;
    if (signal.aborted) throw abortError(signal, OVERTAKEN);
    const session = await this.open(choice, {
      progress: (report) => this.reportProgress(report), lost: (error) => this.reportDeviceLost(error),
    }, signal);
    if (!signal.aborted) return session;
    session.close();
    throw abortError(signal, OVERTAKEN);
  }

  /** Makes the session; it is freed when a rejection comes. Tests and measurements open others. */
  protected async open(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
    const { loadSession } = await import("../engine/load.ts");
    return loadSession(choice, listener, signal);
  }

  unload(): Promise<void> {
    const slot = this.#slot;
    this.#slot = null;
    slot?.controller.abort(new AbortError(OVERTAKEN));
    const freed = slot?.session.then((session) => session.close(), () => undefined);
    this.#freed = Promise.all([freed, this.#freed.catch(() => undefined)]).then(() => undefined);
    return this.#freed;
  }

  async begin({ request, model }: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer> {
    if (this.#slot === null) throw new ModelNotLoadedError("No model is loaded. Call reload() with a model first.");
    const session = await abortable(this.#slot.session, signal, "The request was aborted before it began.");
    if (model !== undefined && model !== session.modelId) {
      throw new ModelNotFoundError(
        `The request asks for the model "${model}", but "${session.modelId}" is loaded. Leave out \`model\`, or give the loaded one's id.`,
        { modelId: model, param: "model" });
    }
    return { modelId: session.modelId, events: session.answer(request) };
  }

  async interruptGenerate(): Promise<void> {
    this.#slot?.loaded?.interrupt();
  }

  protected async forgetConversations(): Promise<void> {
    this.#slot?.loaded?.forget();
  }

  async getMaxStorageBufferBindingSize(): Promise<number> {
    return (await requestAdapter()).limits.maxStorageBufferBindingSize;
  }

  async getGPUVendor(): Promise<string> {
    return infoOf(await requestAdapter()).vendor;
  }

  setLogLevel(level: LogLevel): void {
    setLogLevel(level);
  }
}

/**
 * Makes an engine in this thread and loads a model into it.
 * @param modelId an id of `engineConfig.appConfig.model_list`, or the URL of a manifest
 * @param options its signal ends the load
 */
export async function CreateMLCEngine(
  modelId: string, engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions, options?: RequestOptions,
): Promise<MLCEngine> {
  const engine = new MLCEngine(engineConfig);
  await engine.reload(modelId, chatOpts, options);
  return engine;
}
