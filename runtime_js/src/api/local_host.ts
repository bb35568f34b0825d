/** Models in this thread. */

import { infoOf, requestAdapter } from "../executor/adapter.ts";
import type { Computer } from "../executor/devices.ts";
import { checkMemory } from "../executor/memory.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { AnswerEvent, Prompt } from "../engine/answer.ts";
import type { LoadListener, ModelChoice } from "../engine/choice.ts";
import { estimateLoad, loadSession } from "../engine/load.ts";
import type { LogitProcessor } from "../engine/logit_processor.ts";
import type { EmbeddingCall } from "../engine/pooling.ts";
import type { InitProgressReport } from "../engine/progress.ts";
import type { Session } from "../engine/session.ts";
import type { PushStream } from "../support/stream.ts";
import { abortError, abortable, childController } from "../support/abort.ts";
import { AbortError, ModelNotFoundError, ModelNotLoadedError, RequestValidationError } from "../support/errors.ts";
import { setLogLevel, type LogLevel } from "../support/log.ts";
import type { AnswerCall, BegunAnswer, HostListener, KeptAnswer, LoadCall, LoadedModelInfo, ModelHost, NamedEmbeddings } from "./host.ts";
import { checkPrompt, deleteKept, keep, keptAnswers, reopen } from "./resumable.ts";

/** A model that is loaded, or being loaded. */
interface Slot {
  /** Ends the load. */
  readonly controller: AbortController;
  readonly session: Promise<Session>;
  readonly memory: Reserved;
  /** The same, from the moment that it is there. */
  loaded: Session | null;
  loadedAt: number;
}

/** Memory that a model takes, in bytes, from the moment that its load knows it, and whose. */
interface Reserved {
  bytes: number;
  device: Computer["device"];
}

const OVERTAKEN = "The model was unloaded, or another was loaded, before this load was done.";

function quoted(ids: Iterable<string>): string {
  return [...ids].map((id) => `"${id}"`).join(", ");
}

/** Opens what is asked for. */
export interface Loader {
  /** Makes the session; it is freed when a rejection comes. */
  open(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session>;
  estimate(choice: ModelChoice, signal: AbortSignal): Promise<MemoryEstimate>;
}

export const LOADER: Loader = {
  open: loadSession,
  estimate: estimateLoad,
};

export class LocalHost implements ModelHost {
  listener: HostListener;
  /** By model id; for requests from now on. */
  processors: ReadonlyMap<string, LogitProcessor> = new Map();
  readonly #loader: Loader;
  /** By model id. Each has a device of its own: freeing a model is ending its device, and what fails on one is no other's failure. */
  readonly #slots = new Map<string, Slot>();
  /** Resolves when what was unloaded so far is freed. */
  #freed: Promise<void> = Promise.resolve();

  constructor(listener: HostListener, loader: Loader = LOADER) {
    this.listener = listener;
    this.#loader = loader;
  }

  /** This host, with another listener from now on. */
  heardBy(listener: HostListener): this {
    this.listener = listener;
    return this;
  }

  async load({ choices, keepsOthers }: LoadCall, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw abortError(signal, "The load was aborted before it began.");
    let before: Promise<unknown> = keepsOthers ? Promise.all(choices.map(({ modelId }) => this.unload(modelId))) : this.unload();
    const slots = choices.map((choice, i): Slot => {
      const controller = signal === undefined ? new AbortController() : childController(signal);
      const share = (report: InitProgressReport): InitProgressReport => ({ ...report, progress: (i + report.progress) / choices.length });
      const memory: Reserved = { bytes: 0, device: "gpu" };
      const session = this.#open(choice, before, controller.signal, share, memory);
      session.catch(() => undefined); // what is awaited below is the first failure
      before = session;
      const slot: Slot = { controller, session, memory, loaded: null, loadedAt: 0 };
      this.#slots.set(choice.modelId, slot);
      return slot;
    });
    try {
      for (const slot of slots) {
        slot.loaded = await slot.session;
        slot.loadedAt = Date.now();
      }
    } catch (error) {
      for (const [id, slot] of this.#slots) if (slots.includes(slot) && slot.loaded === null) this.#slots.delete(id);
      throw error;
    }
  }

  async #open(
    choice: ModelChoice, before: Promise<unknown>, signal: AbortSignal, share: (report: InitProgressReport) => InitProgressReport,
    reserved: Reserved,
  ): Promise<Session> {
    await before;
    if (signal.aborted) throw abortError(signal, OVERTAKEN);
    const session = await this.#loader.open(choice, {
      progress: (report) => this.listener.progress(share(report)),
      needs: (memory, device) => {
        const slots = [...this.#slots.values()].filter((slot) => slot.memory !== reserved && slot.memory.device === device);
        const others = slots.reduce((bytes, slot) => bytes + slot.memory.bytes, 0);
        reserved.device = device;
        checkMemory(memory, (choice.memoryLimit ?? Infinity) - others);
        reserved.bytes = memory.total;
      },
      lost: (error) => this.listener.deviceLost(error),
    }, signal);
    if (!signal.aborted) return session;
    session.close();
    throw abortError(signal, OVERTAKEN);
  }

  estimate(choice: ModelChoice, signal = new AbortController().signal): Promise<MemoryEstimate> {
    return this.#loader.estimate(choice, signal);
  }

  unload(modelId?: string): Promise<void> {
    const dropped = [...this.#slots].filter(([id]) => id === (modelId ?? id));
    const freed = dropped.map(([id, { controller, session }]) => {
      this.#slots.delete(id);
      controller.abort(new AbortError(OVERTAKEN));
      return session.then((loaded) => loaded.close(), () => undefined);
    });
    this.#freed = Promise.all([...freed, this.#freed.catch(() => undefined)]).then(() => undefined);
    return this.#freed;
  }

  /** The model that a request means: the one of that name, or the only one. */
  async #sessionOf(model: string | undefined, signal?: AbortSignal, param = "model"): Promise<Session> {
    const ids = quoted(this.#slots.keys());
    if (this.#slots.size === 0) throw new ModelNotLoadedError("No model is loaded. Call reload() with a model first.");
    if (model === undefined && this.#slots.size > 1) {
      throw new RequestValidationError(`Several models are loaded (${ids}): say which by \`model\`.`, { param: "model" });
    }
    const slot = model === undefined ? [...this.#slots.values()][0] : this.#slots.get(model);
    if (slot === undefined) {
      throw new ModelNotFoundError(
        `The request asks for the model "${model}", which is not loaded. Loaded: ${ids}. Give one of these as \`${param}\`, or leave it out${param === "model" ? " where there is one" : ""}.`,
        { modelId: String(model), param });
    }
    return abortable(slot.session, signal, "The request was aborted before it began.");
  }

  async begin({ request, model, past: before = [] }: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer> {
    const session = await this.#sessionOf(model, signal);
    const processor = this.processors.get(session.modelId);
    const draft = request.guesses?.draft;
    const drafter = draft === undefined ? undefined : await this.#sessionOf(draft, signal, "draft");
    if (processor !== undefined && (request.resumable !== undefined || before.length > 0)) {
      throw new RequestValidationError("An answer whose logits are processed cannot be kept: nobody could go on with it.", { param: "extra_body.resumable" });
    }
    if (request.resumable === undefined) {
      const past = before.length === 0 ? undefined : { journal: undefined, tokens: before };
      return this.#begun(session, session.answer(request, processor, past, drafter, signal), signal);
    }
    const [kept, past] = await keep(request, request.resumable, session.modelId, await session.promptTokens(request));
    try {
      return await this.#begun(session, session.answer(kept, undefined, past, drafter, signal), signal);
    } catch (error) {
      await past.journal.remove();
      throw error;
    }
  }

  async #begun({ modelId }: Session, answer: Promise<PushStream<AnswerEvent>>, signal: AbortSignal | undefined): Promise<BegunAnswer> {
    try {
      return { modelId, events: await abortable(answer, signal, "The request was aborted before it began.") };
    } catch (error) {
      answer.then((events) => void events.return(), () => undefined);
      throw error;
    }
  }

  async resume(sessionId: string, signal?: AbortSignal): Promise<BegunAnswer> {
    const { modelId, request, promptTokens, past } = await reopen(sessionId);
    try {
      const session = await this.#sessionOf(modelId, signal);
      checkPrompt(sessionId, promptTokens, await session.promptTokens(request));
      return await this.#begun(session, session.answer(request, undefined, past, undefined, signal), signal);
    } catch (error) {
      past.journal.close();
      throw error;
    }
  }

  keptAnswers(): Promise<readonly KeptAnswer[]> {
    return keptAnswers();
  }

  async deleteResumableSession(sessionId: string): Promise<void> {
    await deleteKept(sessionId);
  }

  async embed(call: EmbeddingCall, model: string | undefined, signal = new AbortController().signal, accepted?: () => void): Promise<NamedEmbeddings> {
    const session = await this.#sessionOf(model, signal);
    return { modelId: session.modelId, ...await abortable(session.embed(call, signal, accepted), signal, "The request was aborted.") };
  }

  async encodePrompt(prompt: Prompt, modelId: string | undefined): Promise<number[]> {
    return [...await (await this.#sessionOf(modelId)).encode(prompt)];
  }

  async decodeTokens(tokens: readonly number[], modelId: string | undefined): Promise<string> {
    return (await this.#sessionOf(modelId)).decode(tokens);
  }

  async interruptGenerate(): Promise<void> {
    for (const { loaded } of this.#slots.values()) loaded?.interrupt();
  }

  async loadedModels(): Promise<readonly LoadedModelInfo[]> {
    return [...this.#slots].flatMap(([modelId, { loaded, loadedAt }]) => (loaded === null ? [] : [{ modelId, loadedAt }]));
  }

  async forgetConversations(modelId: string | undefined): Promise<void> {
    for (const [id, { loaded }] of this.#slots) if (id === (modelId ?? id)) loaded?.forget();
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
