/** One engine's models for many clients: each loads, unloads and interrupts as if it were alone. */

import type { AnswerEvent, Prompt } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import type { EmbeddingCall } from "../engine/pooling.ts";
import { loadedAlready } from "../engine/progress.ts";
import type { Computer } from "../executor/devices.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import { childController } from "../support/abort.ts";
import { AbortError } from "../support/errors.ts";
import { isRecord } from "../support/fields.ts";
import type { LogLevel } from "../support/log.ts";
import type { PushStream } from "../support/stream.ts";
import type { AnswerCall, BegunAnswer, HostListener, KeptAnswer, LoadCall, LoadedModelInfo, ModelHost, NamedEmbeddings } from "./host.ts";

/** What has the models, and one listener. */
type SharedHost = ModelHost & { listener: HostListener };

/** A model is the same where it was chosen alike. */
function keyOf(choice: ModelChoice): string {
  return JSON.stringify(choice, (_, value: unknown) => (
    isRecord(value) ? Object.fromEntries(Object.entries(value).filter(([, of]) => of !== undefined && of !== null).sort()) : value));
}

export class Tenants {
  readonly #host: SharedHost;
  readonly #tenants = new Set<Tenant>();
  /** How the models that are loaded were chosen. */
  readonly #loaded = new Map<string, string>();
  /** Models that are being loaded. */
  #loading: readonly string[] = [];
  #computer: Computer | undefined;
  /** Loads and unloads come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(host: SharedHost) {
    this.#host = host;
    host.listener = {
      progress: (report) => {
        this.#computer = report.computer ?? this.#computer;
        for (const tenant of this.#tenants) if (tenant.isLoading && this.#loading.some((id) => tenant.wanted.has(id))) tenant.listener.progress(report);
      },
      deviceLost: (error) => {
        for (const modelId of this.#loaded.keys()) this.#loaded.set(modelId, "lost"); // whoever loads it then, loads it anew
        for (const tenant of this.#tenants) tenant.listener.deviceLost(error);
      },
    };
  }

  /**
   * A client's view of the models. Its end is `leave`.
   * @param instead who leaves for it: the models that this one had loaded stay until the new one has loaded its own
   */
  enter(listener: HostListener, instead?: Tenant): Tenant {
    const tenant = new Tenant(this, this.#host, listener);
    this.#tenants.add(tenant);
    for (const modelId of instead?.wanted ?? []) tenant.wanted.add(modelId);
    void instead?.leave();
    return tenant;
  }

  /** @internal */
  async leave(tenant: Tenant): Promise<void> {
    this.#tenants.delete(tenant);
    await this.settle();
  }

  /** @internal What the models run on. */
  get computer(): Computer | undefined {
    return this.#computer;
  }

  /** @internal Loads what is not loaded, and frees what nobody wants. Returns whether anything was loaded. */
  settle(choices: readonly ModelChoice[] = [], signal?: AbortSignal): Promise<boolean> {
    const turn = this.#turn.then(async () => {
      signal?.throwIfAborted();
      const wanted = new Set([...this.#tenants].flatMap((tenant) => [...tenant.wanted]));
      for (const modelId of [...this.#loaded.keys()]) {
        if (wanted.has(modelId)) continue;
        this.#loaded.delete(modelId);
        await this.#host.unload(modelId);
      }
      const missing = choices.filter((choice) => this.#loaded.get(choice.modelId) !== keyOf(choice));
      if (missing.length === 0) return false;
      this.#loading = missing.map(({ modelId }) => modelId);
      for (const modelId of this.#loading) this.#loaded.delete(modelId);
      try {
        await this.#host.load({ choices: missing, keepsOthers: true }, signal);
      } catch (error) {
        for (const modelId of this.#loading) await this.#host.unload(modelId); // those that came before the one that failed
        throw error;
      } finally {
        this.#loading = [];
      }
      for (const choice of missing) this.#loaded.set(choice.modelId, keyOf(choice));
      return true;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

export class Tenant implements ModelHost {
  readonly listener: HostListener;
  /** @internal */
  readonly wanted = new Set<string>();
  readonly #all: Tenants;
  readonly #host: SharedHost;
  readonly #answers = new Set<PushStream<AnswerEvent>>();
  #loads = 0;
  #loading: AbortController | null = null;

  constructor(all: Tenants, host: SharedHost, listener: HostListener) {
    this.#all = all;
    this.#host = host;
    this.listener = listener;
  }

  get isLoading(): boolean {
    return this.#loads > 0;
  }

  /** Ends what the client has asked, and frees what it alone has loaded. */
  async leave(): Promise<void> {
    this.#endLoad();
    for (const events of this.#answers) void events.return();
    await this.#all.leave(this);
  }

  async load({ choices, keepsOthers }: LoadCall, signal?: AbortSignal): Promise<void> {
    this.#endLoad();
    const controller = this.#loading = signal === undefined ? new AbortController() : childController(signal);
    if (!keepsOthers) this.wanted.clear();
    for (const { modelId } of choices) this.wanted.add(modelId);
    this.#loads++;
    try {
      const isNew = await this.#all.settle(choices, controller.signal);
      if (!isNew) this.listener.progress(loadedAlready(this.#all.computer));
    } catch (error) {
      if (this.#loading === controller) for (const { modelId } of choices) this.wanted.delete(modelId); // else a later load wants them
      throw error;
    } finally {
      this.#loads--;
      if (this.#loading === controller) this.#loading = null;
    }
  }

  #endLoad(): void {
    this.#loading?.abort(new AbortError("The model was unloaded, or another was loaded, before this load was done."));
  }

  async unload(modelId?: string): Promise<void> {
    this.#endLoad();
    if (modelId === undefined) this.wanted.clear();
    else this.wanted.delete(modelId);
    await this.#all.settle();
  }

  async begin(call: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#watched(await this.#host.begin(this.#named(call), signal));
  }

  /** Without a name, a client's only model is meant, whatever others have loaded. */
  #named<C extends { readonly model: string | undefined }>(call: C): C {
    return { ...call, model: this.#nameOf(call.model) };
  }

  #nameOf(model: string | undefined): string | undefined {
    return model ?? (this.wanted.size === 1 ? [...this.wanted][0] : undefined);
  }

  #watched(begun: BegunAnswer): BegunAnswer {
    for (const events of this.#answers) if (events.isOver) this.#answers.delete(events);
    this.#answers.add(begun.events);
    return begun;
  }

  async resume(sessionId: string, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#watched(await this.#host.resume(sessionId, signal));
  }

  async interruptGenerate(): Promise<void> {
    for (const events of this.#answers) events.cancel();
  }

  async loadedModels(): Promise<readonly LoadedModelInfo[]> {
    return (await this.#host.loadedModels()).filter(({ modelId }) => this.wanted.has(modelId));
  }

  estimate(choice: ModelChoice, signal?: AbortSignal): Promise<MemoryEstimate> {
    return this.#host.estimate(choice, signal);
  }

  embed(call: EmbeddingCall, model: string | undefined, signal?: AbortSignal, accepted?: () => void): Promise<NamedEmbeddings> {
    return this.#host.embed(call, this.#nameOf(model), signal, accepted);
  }

  encodePrompt(prompt: Prompt, modelId: string | undefined): Promise<number[]> {
    return this.#host.encodePrompt(prompt, this.#nameOf(modelId));
  }

  decodeTokens(tokens: readonly number[], modelId: string | undefined): Promise<string> {
    return this.#host.decodeTokens(tokens, this.#nameOf(modelId));
  }

  /** Conversations in the cache are nobody's own: what a client forgets, another may still go on with. */
  async forgetConversations(): Promise<void> {
    // nothing to do
  }

  keptAnswers(): Promise<readonly KeptAnswer[]> {
    return this.#host.keptAnswers();
  }

  deleteResumableSession(sessionId: string): Promise<void> {
    return this.#host.deleteResumableSession(sessionId);
  }

  getGPUVendor(): Promise<string> {
    return this.#host.getGPUVendor();
  }

  getMaxStorageBufferBindingSize(): Promise<number> {
    return this.#host.getMaxStorageBufferBindingSize();
  }

  setLogLevel(level: LogLevel): void {
    this.#host.setLogLevel(level);
  }
}
