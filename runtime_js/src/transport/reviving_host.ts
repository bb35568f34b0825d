/**
 * Models that outlive what holds them: a service worker that the browser stops, another tab that is closed, a worker that ends. What is lost is
 * connected to again, the models are loaded again when they are next asked, and answers go on where they were: by their tokens, which are
 * remembered here, for a service worker has no files that it could append to.
 */

import type { AnswerCall, BegunAnswer, HostListener, KeptAnswer, LoadCall, LoadedModelInfo, ModelHost, NamedEmbeddings } from "../api/host.ts";
import { KeptPrompt } from "../api/pictures.ts";
import { seeded, type AnswerEvent, type AnswerRequest, type Prompt } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import type { EmbeddingCall } from "../engine/pooling.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import { abortable } from "../support/abort.ts";
import { AbortError, DeviceLostError } from "../support/errors.ts";
import type { LogLevel } from "../support/log.ts";
import { PushStream } from "../support/stream.ts";
import { Delivered } from "./delivered.ts";

/**
 * Makes a way to what holds the models.
 * lose: to be called when that is gone, and will answer nothing any more; with an error, nothing is asked again
 * gone: aborts when it was lost, or is not wanted any more: the way is to be given up
 */
export type Connect = (listener: HostListener, lose: (error?: Error) => void, gone: AbortSignal) => Promise<ModelHost>;

interface Life {
  /** Aborts with what those get who are not to ask again. */
  readonly lost: AbortController;
  readonly host: Promise<ModelHost>;
  /** The same, with the models that were loaded. */
  readonly ready: Promise<ModelHost>;
}

const ENDED = "The engine was ended.";

/** What is lost so often without having done anything is not asked again: it may be what is asked that ends it. */
const MOST_LOSSES = 3;

/** What was asked is asked again. */
class Loss extends DeviceLostError {
  constructor() {
    super("What holds the models was lost, and lost again when it was asked once more. Load the model again.");
  }
}

export class RevivingHost implements ModelHost {
  readonly #listener: HostListener;
  readonly #connect: Connect;
  readonly #mayLoadAgain: (choice: ModelChoice) => Promise<boolean>;
  #life: Life | undefined;
  /** What is loaded, as far as this side knows, and since when. */
  #loaded: readonly (LoadedModelInfo & { readonly choice: ModelChoice })[] = [];
  /** Counts loads and unloads. */
  #turn = 0;
  #logLevel: LogLevel | undefined;
  #end: AbortError | undefined;

  /** mayLoadAgain: whether a model that was lost is loaded again for the next request; default: yes. */
  constructor(listener: HostListener, connect: Connect, mayLoadAgain: (choice: ModelChoice) => Promise<boolean> = async () => true) {
    [this.#listener, this.#connect, this.#mayLoadAgain] = [listener, connect, mayLoadAgain];
  }

  /** What holds the models is gone. */
  lost(): void {
    this.#lose(this.#life, new Loss());
  }

  /** Ends what waits, and all that is asked later, with AbortError. */
  terminate(): void {
    this.#end = new AbortError(ENDED);
    this.#lose(this.#life, this.#end);
  }

  #lose(life: Life | undefined, error: unknown): void {
    if (life === undefined || life.lost.signal.aborted) return;
    if (this.#life === life) this.#life = undefined;
    life.lost.abort(error);
  }

  #live(): Life {
    if (this.#end !== undefined) throw this.#end;
    if (this.#life !== undefined) return this.#life;
    const controller = new AbortController();
    const host = this.#connect(this.#listener, (error = new Loss()) => this.#lose(life, error), controller.signal);
    const life: Life = { lost: controller, host, ready: host.then((made) => this.#restored(made)) };
    life.ready.catch((error: unknown) => this.#lose(life, error)); // the next request tries again
    return this.#life = life;
  }

  /** Loads again what was loaded. */
  async #restored(host: ModelHost): Promise<ModelHost> {
    if (this.#logLevel !== undefined) host.setLogLevel(this.#logLevel);
    const choices = this.#loaded.map(({ choice }) => choice);
    if (choices.length === 0) return host;
    const may = await Promise.all(choices.map((choice) => this.#mayLoadAgain(choice)));
    if (may.includes(false)) {
      this.#loaded = [];
      throw new DeviceLostError("What held the model is gone, and the model is not stored on this device. Load it again.");
    }
    await host.load({ choices, keepsOthers: true });
    return host;
  }

  /** Does work until something that lives has done it. needsModels: behind the models that were loaded. */
  async #lasting<T>(work: (host: ModelHost) => Promise<T>, signal?: AbortSignal, needsModels = true): Promise<readonly [T, Life]> {
    for (let losses = 1; ; losses++) {
      const life = this.#live();
      const gone = life.lost.signal;
      try {
        const host = await abortable(abortable(needsModels ? life.ready : life.host, gone, ENDED), signal, "The request was aborted before it began.");
        return [await abortable(work(host), gone, ENDED), life];
      } catch (error) {
        if (!(error instanceof Loss) || losses === MOST_LOSSES) throw error;
      }
    }
  }

  async #ask<T>(work: (host: ModelHost) => Promise<T>, signal?: AbortSignal, needsModels = true): Promise<T> {
    return (await this.#lasting(work, signal, needsModels))[0];
  }

  async load(call: LoadCall, signal?: AbortSignal): Promise<void> {
    const turn = ++this.#turn;
    const ids = new Set(call.choices.map(({ modelId }) => modelId));
    this.#loaded = this.#loaded.filter(({ modelId }) => call.keepsOthers && !ids.has(modelId));
    await this.#ask((host) => host.load(call, signal), signal);
    if (turn !== this.#turn) return;
    const loadedAt = Date.now();
    this.#loaded = [...this.#loaded, ...call.choices.map((choice) => ({ choice, modelId: choice.modelId, loadedAt }))];
  }

  async unload(modelId?: string): Promise<void> {
    this.#turn++;
    this.#loaded = this.#loaded.filter((one) => modelId !== undefined && one.modelId !== modelId);
    await this.#ask((host) => host.unload(modelId), undefined, false);
  }

  async begin({ request: asked, model }: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer> {
    const request = seeded(asked);
    const kept = new KeptPrompt(request.prompt);
    const again = async (): Promise<AnswerRequest> => ({ ...request, prompt: await kept.copy() });
    const done = (): void => kept.close();
    const delivered = new Delivered();
    const { resumable, recites } = request;
    if (resumable === undefined) {
      const past = (): readonly number[] => (recites === true ? [] : [...delivered.tokens]); // a prompt is told anew
      return this.#follow(async (host, until) => host.begin({ request: await again(), model, past: past() }, until), delivered, signal, done);
    }
    let hasBegun = false;
    return this.#follow(async (host, until) => {
      if (hasBegun) return host.resume(resumable, until);
      const begun = await host.begin({ request: await again(), model }, until);
      hasBegun = true;
      return begun;
    }, delivered, signal, done);
  }

  resume(sessionId: string, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#follow((host, until) => host.resume(sessionId, until), new Delivered(), signal);
  }

  /** An answer that is begun again wherever what gives it is lost. done: is called behind its end. */
  async #follow(
    begin: (host: ModelHost, until: AbortSignal | undefined) => Promise<BegunAnswer>, delivered: Delivered, signal: AbortSignal | undefined,
    done = (): void => undefined,
  ): Promise<BegunAnswer> {
    let [source, life] = await this.#lasting((host) => begin(host, signal), signal).catch((error: unknown) => {
      done();
      throw error;
    });
    const left = new AbortController();
    const events = new PushStream<AnswerEvent>(() => {
      left.abort();
      void source.events.return();
    });
    const follow = async (): Promise<void> => {
      for (let losses = 1; ; losses++) {
        const gone = life.lost.signal;
        const stopListening = source.events.abortWith(gone, ENDED);
        try {
          for await (const event of source.events) {
            const fresh = delivered.take(event);
            if (fresh === undefined) continue;
            losses = 0;
            events.push(fresh);
          }
          return events.end();
        } catch (error) {
          if (!(error instanceof Loss) || losses === MOST_LOSSES) throw error;
        } finally {
          stopListening();
        }
        delivered.again();
        [source, life] = await this.#lasting((host) => begin(host, left.signal), left.signal);
      }
    };
    follow().catch((error: unknown) => events.fail(error)).finally(done);
    return { modelId: source.modelId, events };
  }

  estimate(choice: ModelChoice, signal?: AbortSignal): Promise<MemoryEstimate> {
    return this.#ask((host) => host.estimate(choice, signal), signal, false);
  }

  embed(call: EmbeddingCall, model: string | undefined, signal?: AbortSignal, accepted?: () => void): Promise<NamedEmbeddings> {
    return this.#ask((host) => host.embed(call, model, signal, accepted), signal);
  }

  encodePrompt(prompt: Prompt, modelId: string | undefined): Promise<number[]> {
    const kept = new KeptPrompt(prompt);
    return this.#ask(async (host) => host.encodePrompt(await kept.copy(), modelId)).finally(() => kept.close());
  }

  decodeTokens(tokens: readonly number[], modelId: string | undefined): Promise<string> {
    return this.#ask((host) => host.decodeTokens(tokens, modelId));
  }

  /** Those that are loaded when they are next asked are among them. */
  async loadedModels(): Promise<readonly LoadedModelInfo[]> {
    return this.#life === undefined ? this.#loaded.map(({ modelId, loadedAt }) => ({ modelId, loadedAt })) : this.#ask((host) => host.loadedModels(), undefined, false);
  }

  keptAnswers(): Promise<readonly KeptAnswer[]> {
    return this.#ask((host) => host.keptAnswers(), undefined, false);
  }

  deleteResumableSession(sessionId: string): Promise<void> {
    return this.#ask((host) => host.deleteResumableSession(sessionId), undefined, false);
  }

  interruptGenerate(): Promise<void> {
    return this.#ask((host) => host.interruptGenerate(), undefined, false);
  }

  forgetConversations(modelId: string | undefined): Promise<void> {
    return this.#ask((host) => host.forgetConversations(modelId), undefined, false);
  }

  getGPUVendor(): Promise<string> {
    return this.#ask((host) => host.getGPUVendor(), undefined, false);
  }

  getMaxStorageBufferBindingSize(): Promise<number> {
    return this.#ask((host) => host.getMaxStorageBufferBindingSize(), undefined, false);
  }

  setLogLevel(level: LogLevel): void {
    this.#logLevel = level;
    this.#life?.host.then((host) => host.setLogLevel(level), () => undefined);
  }
}
