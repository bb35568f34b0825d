/** WebLLM's engine in a worker, and the worker's end of it. */

import { WebWorkerMLCEngine as OwnEngine } from "../transport/client.ts";
import { RemoteHost } from "../transport/remote_host.ts";
import { RevivingHost, type Connect } from "../transport/reviving_host.ts";
import { WebWorkerMLCEngineHandler as OwnHandler } from "../transport/worker.ts";
import type { WorkerLike } from "../transport/worker_like.ts";
import type { LogitProcessor } from "../engine/logit_processor.ts";
import { EngineBase, MLCEngine, ownConfig } from "./engine.ts";
import { NamedError, named } from "./errors.ts";
import type { ChatOptions, MLCEngineConfig, WorkerRequest, WorkerResponse } from "./types.ts";

/** What a program gives in a worker's place: its `onmessage` is assigned. */
export interface ChatWorker {
  postMessage(message: unknown): void;
}

/** A ChatWorker as this engine's transport wants it. */
class AssignedWorker implements WorkerLike {
  readonly #worker: ChatWorker;
  readonly #listeners: ((event: Event) => void)[] = [];

  constructor(worker: ChatWorker) {
    this.#worker = worker;
  }

  postMessage(message: unknown): void {
    this.#worker.postMessage(message);
  }

  addEventListener(type: "message" | "messageerror" | "error", listener: (event: Event) => void): void {
    if (type === "message") this.#listeners.push(listener);
    else if (this.#worker instanceof EventTarget) this.#worker.addEventListener(type, listener);
  }

  deliver(data: unknown): void {
    const event = new MessageEvent("message", { data });
    for (const listener of this.#listeners) listener(event);
  }
}

/** @internal How a worker is reached that outlives the page, and may be lost: over its messages. */
export type ConnectOver = (worker: WorkerLike) => Connect;

/** @internal Where whatever hears a message begins anew by itself. */
export const overMessages: ConnectOver = (worker) => async (listener, lose, gone) => RemoteHost.until(gone, worker, listener, lose);

/** @internal Raises, of what looks like a message for an engine and is none that it knows. */
export function checkKind(data: unknown, onError: (() => void) | undefined): void {
  const { kind, content } = typeof data === "object" && data !== null && "kind" in data && "content" in data ? data : {};
  if (!kind || !content || kind === "customRequest") return;
  onError?.();
  throw new NamedError("UnknownMessageKindError", `Unknown message kind, msg: [${String(kind)}] ${String(content)}`, "Protocol");
}

/** A reply to a program's own message. */
function isReply(data: unknown): data is Extract<WorkerResponse, { content: unknown }> & { kind: "return" | "throw" } {
  return typeof data === "object" && data !== null && "uuid" in data && "kind" in data && (data.kind === "return" || data.kind === "throw");
}

export class WebWorkerMLCEngine extends EngineBase<OwnEngine> {
  worker: ChatWorker;
  modelId?: string[];
  chatOpts?: ChatOptions[];
  readonly #assigned: AssignedWorker;
  /** Where the worker outlives the page. */
  readonly #reviving: RevivingHost | undefined;
  readonly #pending = new Map<string, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();

  constructor(worker: ChatWorker, engineConfig?: MLCEngineConfig);
  /** @internal connect: the worker outlives the page. */
  constructor(worker: ChatWorker, engineConfig: MLCEngineConfig | undefined, connect: ConnectOver);
  constructor(worker: ChatWorker, engineConfig: MLCEngineConfig = {}, connect?: ConnectOver) {
    const assigned = new AssignedWorker(worker);
    const own = ownConfig(engineConfig);
    let reviving: RevivingHost | undefined;
    super(new OwnEngine(assigned, own, connect && ((over, listener) => reviving = new RevivingHost(listener, connect(over)))), engineConfig);
    this.#reviving = reviving;
    this.worker = worker;
    this.#assigned = assigned;
    Reflect.set(worker, "onmessage", (event: { readonly data: unknown }) => this.onmessage(event));
  }

  override async reload(modelId: string | string[], chatOpts?: ChatOptions | ChatOptions[]): Promise<void> {
    this.modelId = [modelId].flat();
    if (chatOpts === undefined) delete this.chatOpts;
    else this.chatOpts = [chatOpts].flat();
    await super.reload(modelId, chatOpts);
  }

  /** A worker that outlives the page may have the models already. */
  protected override async makeRoom(): Promise<void> {
    if (this.#reviving !== undefined) this.forgetModels();
    else await super.makeRoom();
  }

  /** @internal The worker is gone, and another will be in its place. */
  protected lost(): void {
    this.#reviving?.lost();
  }

  protected override notLoaded(what: string): NamedError {
    if (this.modelId !== undefined) return super.notLoaded(what);
    return new NamedError("WorkerEngineModelNotLoadedError", "WebWorkerMLCEngine is not loaded with a model. Did you call `engine.reload()`?", "ModelNotLoaded");
  }

  /** Sends a message of the program's own, which its handler answers by `handleTask`: with a T, the program says. */
  protected getPromise<T>(message: WorkerRequest): Promise<T>;
  protected getPromise(message: WorkerRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.set(message.uuid, { resolve, reject });
      this.worker.postMessage(message);
    });
  }

  onmessage({ data }: { readonly data: unknown }): void {
    const waiting = isReply(data) ? this.#pending.get(data.uuid) : undefined;
    if (!isReply(data) || waiting === undefined) {
      this.#assigned.deliver(data);
      return;
    }
    this.#pending.delete(data.uuid);
    if (data.kind === "return") waiting.resolve(data.content);
    else waiting.reject(data.content);
  }
}

/** `worker` runs a script with a WebWorkerMLCEngineHandler. */
export async function CreateWebWorkerMLCEngine(
  worker: ChatWorker, modelId: string | string[], engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions | ChatOptions[],
): Promise<WebWorkerMLCEngine> {
  const engine = new WebWorkerMLCEngine(worker, engineConfig);
  await engine.reload(modelId, chatOpts);
  return engine;
}

/**
 * The worker's end. Programs may extend it, and answer messages of their own:
 *
 *     onmessage(event) {
 *       if (event.data.kind === "customRequest") void this.handleTask(event.data.uuid, async () => "an answer");
 *       else super.onmessage(event);
 *     }
 */
export class WebWorkerMLCEngineHandler {
  modelId?: string[];
  chatOpts?: ChatOptions[];
  engine: MLCEngine = new MLCEngine();
  readonly #handler = new OwnHandler((message) => this.postMessage(message), (listener) => this.engine.inner.host.heardBy(listener));

  postMessage(message: unknown): void {
    globalThis.postMessage(message);
  }

  setLogitProcessorRegistry(logitProcessorRegistry?: Map<string, LogitProcessor>): void {
    this.engine.setLogitProcessorRegistry(logitProcessorRegistry);
  }

  async handleTask<T>(uuid: string, task: () => Promise<T>): Promise<void> {
    try {
      this.postMessage({ kind: "return", uuid, content: await task() });
    } catch (error) {
      this.postMessage({ kind: "throw", uuid, content: String(named(error)) });
    }
  }

  /**
   * @param onComplete called when all that was asked so far is answered, or refused
   * @param onError called before UnknownMessageKindError is thrown
   */
  onmessage(event: { readonly data: unknown }, onComplete?: (value: unknown) => void, onError?: () => void): void {
    checkKind(event.data, onError);
    this.#handler.onmessage(event);
    if (onComplete !== undefined) void this.#handler.settled().then(() => onComplete(null));
  }

  /** Loads models where others are loaded. */
  async reloadIfUnmatched(expectedModelId: string[], expectedChatOpts?: ChatOptions[]): Promise<void> {
    const isSame = expectedModelId.length === this.modelId?.length && expectedModelId.every((id, i) => id === this.modelId?.[i]);
    if (isSame) return;
    await this.engine.reload(expectedModelId, expectedChatOpts);
    this.modelId = expectedModelId;
    if (expectedChatOpts !== undefined) this.chatOpts = expectedChatOpts;
  }
}
