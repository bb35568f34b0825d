/** Models behind a worker: sends requests, matches answers by id. */

import type { AnswerCall, BegunAnswer, HostListener, KeptAnswer, LoadCall, LoadedModelInfo, ModelHost, NamedEmbeddings } from "../api/host.ts";
import { transfers } from "../api/pictures.ts";
import type { LogLevel, MemoryEstimate } from "../api/types.ts";
import type { AnswerEvent, Prompt } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import { waitingToBegin } from "../engine/progress.ts";
import type { EmbeddingCall } from "../engine/pooling.ts";
import { abortError, onAbort } from "../support/abort.ts";
import { AbortError, NoAnswerError, ProtocolError, fromWire } from "../support/errors.ts";
import { PATIENCE_TICKS, everyTick } from "../support/patience.ts";
import { PushStream } from "../support/stream.ts";
import { CALLS, parseWorkerMessage, type CallName, type ClientMessage, type WorkerMessage } from "./protocol.ts";
import type { WorkerLike } from "./worker_like.ts";

/** What answers a request with one message, or begins an answer of the model. */
type Reply = Exclude<WorkerMessage, { kind: "alive" | "progress" | "deviceLost" | "accepted" | "events" | "error" }>;
type ReplyOf<K extends Reply["kind"]> = Extract<Reply, { kind: K }>;

interface Waiting {
  readonly reply: (reply: Reply) => void;
  readonly fail: (error: unknown) => void;
  readonly accepted: (() => void) | undefined;
}

function isKind<K extends Reply["kind"]>(reply: Reply, kind: K): reply is ReplyOf<K> {
  return reply.kind === kind;
}

/** Where a failed worker's script was, as far as browsers say. */
function describeFailure(event: Event): string {
  const text = (key: string): string => {
    const value: unknown = Reflect.get(event, key);
    return typeof value === "string" ? value : "";
  };
  const at = text("filename");
  return `The engine's worker failed${at === "" ? "" : ` (${at})`}: `
    + `${text("message") || "its script could not be loaded; is it deployed, and does the page's policy allow it?"}`;
}

export class RemoteHost implements ModelHost {
  listener: HostListener;
  readonly #worker: WorkerLike;
  readonly #waiting = new Map<number, Waiting>();
  readonly #answers = new Map<number, PushStream<AnswerEvent>>();
  /** Why the worker can be asked no more. */
  #failure: Error | null = null;
  #isHeard = false;
  #silentTicks = 0;
  #stopListening: (() => void) | undefined;
  #nextId = 0;
  #lose: (error: Error) => void = () => undefined;

  constructor(worker: WorkerLike, listener: HostListener = { progress: () => undefined, deviceLost: () => undefined }) {
    this.listener = listener;
    this.#worker = worker;
    worker.addEventListener("message", (event) => this.#receive(event));
    worker.addEventListener("error", (event) => this.#fail(new ProtocolError(describeFailure(event))));
    worker.addEventListener("messageerror", () => this.#fail(new ProtocolError("A message from the engine's worker could not be read.")));
  }

  /** One that lets go of its worker when the signal aborts, and tells why where it can ask it no more. */
  static until(gone: AbortSignal, worker: WorkerLike, listener: HostListener, lose: (error: Error) => void): RemoteHost {
    const host = new RemoteHost(worker, listener);
    host.#lose = lose;
    if (gone.aborted) host.terminate();
    gone.addEventListener("abort", () => queueMicrotask(() => host.terminate()), { once: true }); // whoever waits for it hears first why
    return host;
  }

  async load(call: LoadCall, signal?: AbortSignal): Promise<void> {
    await this.#ask("done", (id) => ({ ...call, kind: "reload", id }), signal);
  }

  async unload(modelId?: string): Promise<void> {
    await this.#call("unload", "done", modelId);
  }

  async interruptGenerate(): Promise<void> {
    await this.#call("interruptGenerate", "done");
  }

  async forgetConversations(modelId: string | undefined): Promise<void> {
    await this.#call("forgetConversations", "done", modelId);
  }

  async loadedModels(): Promise<readonly LoadedModelInfo[]> {
    return (await this.#call("loadedModels", "models")).models;
  }

  async getGPUVendor(): Promise<string> {
    return (await this.#call("getGPUVendor", "text")).text;
  }

  async getMaxStorageBufferBindingSize(): Promise<number> {
    return (await this.#call("getMaxStorageBufferBindingSize", "number")).value;
  }

  setLogLevel(level: LogLevel): void {
    this.#worker.postMessage({ kind: "setLogLevel", level } satisfies ClientMessage);
  }

  /** Ends the worker, and with it the model and the GPU's memory. What waits is rejected with AbortError, and so is what comes later. */
  terminate(): void {
    this.#fail(new AbortError("The engine's worker was ended."));
    this.#worker.terminate?.();
  }

  async begin(call: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#begin((id) => ({ ...call, kind: "answer", id }), signal);
  }

  async resume(sessionId: string, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#begin((id) => ({ kind: "resume", id, sessionId }), signal);
  }

  async keptAnswers(): Promise<readonly KeptAnswer[]> {
    return (await this.#call("keptAnswers", "sessions")).sessions;
  }

  async deleteResumableSession(sessionId: string): Promise<void> {
    await this.#ask("done", (id) => ({ kind: "deleteSession", id, sessionId }));
  }

  async #begin(make: (id: number) => ClientMessage, signal: AbortSignal | undefined): Promise<BegunAnswer> {
    const { id, modelId } = await this.#ask("begun", make, signal);
    const events = this.#answers.get(id);
    if (events === undefined) throw new ProtocolError("An answer began that nobody waits for.");
    return { modelId, events };
  }

  async estimate(choice: ModelChoice, signal?: AbortSignal): Promise<MemoryEstimate> {
    return (await this.#ask("memory", (id) => ({ kind: "estimate", id, choice }), signal)).memory;
  }

  async embed(call: EmbeddingCall, model: string | undefined, signal?: AbortSignal, accepted?: () => void): Promise<NamedEmbeddings> {
    return this.#ask("embeddings", (id) => ({ ...call, kind: "embed", id, model }), signal, accepted);
  }

  async encodePrompt(prompt: Prompt, model: string | undefined): Promise<number[]> {
    return [...(await this.#ask("tokens", (id) => ({ kind: "encode", id, prompt, model }))).tokens];
  }

  async decodeTokens(tokens: readonly number[], model: string | undefined): Promise<string> {
    return (await this.#ask("text", (id) => ({ kind: "decode", id, tokens, model }))).text;
  }

  #call<N extends CallName>(name: N, kind: (typeof CALLS)[N], model?: string): Promise<ReplyOf<(typeof CALLS)[N]>> {
    return this.#ask(kind, (id) => ({ kind: "call", id, name, model }));
  }

  /** Sends one request, in this very turn, and waits for the message that answers it. The signal tells the worker to stop. */
  #ask<K extends Reply["kind"]>(kind: K, make: (id: number) => ClientMessage, signal?: AbortSignal, accepted?: () => void): Promise<ReplyOf<K>> {
    const id = this.#nextId++;
    return new Promise<ReplyOf<K>>((resolve, reject) => {
      if (this.#failure !== null) throw this.#failure;
      if (signal?.aborted) throw abortError(signal, "The request was aborted before it began.");
      const settle = (): void => {
        this.#waiting.delete(id);
        this.#attend();
        forget?.();
      };
      const fail = (error: unknown): void => {
        settle();
        reject(error);
      };
      const cancel = (): void => {
        if (signal === undefined) return;
        this.#post({ kind: "cancel", id });
        fail(abortError(signal, "The request was aborted by its signal."));
      };
      const reply = (answer: Reply): void => {
        settle();
        if (isKind(answer, kind)) resolve(answer);
        else reject(new ProtocolError(`The worker answered with "${answer.kind}", which does not fit the request. Deploy page and worker of one version together.`));
      };
      const forget = signal && onAbort(signal, cancel);
      this.#waiting.set(id, { reply, fail, accepted });
      this.#attend();
      this.#post(make(id));
    });
  }

  /**
   * As long as something is asked, a process waits for its worker, and the worker says with every tick that it is there. What says nothing has
   * failed: browsers end workers without a word, and a script that failed before this engine listened told nobody.
   */
  #attend(): void {
    if (this.#waiting.size + this.#answers.size > 0) {
      this.#worker.ref?.();
      this.#listen();
    } else {
      this.#worker.unref?.();
      this.#stopListening?.();
      this.#stopListening = undefined;
    }
  }

  #listen(): void {
    if (this.#stopListening !== undefined) return;
    this.#silentTicks = 0;
    this.#stopListening = everyTick(() => {
      const ticks = ++this.#silentTicks;
      if (ticks === 1 && !this.#isHeard) this.listener.progress(waitingToBegin({ kind: "browser", text: "Waiting for the engine's worker" }));
      if (ticks < PATIENCE_TICKS) return;
      this.#fail(this.#isHeard
        ? new NoAnswerError("The engine's worker says nothing any more: the browser has ended it, or it is blocked. Load the model again.", { what: "the engine" })
        : new ProtocolError("The engine's worker says nothing: its script has failed, or is not an engine's. Is it deployed, and does it run a "
          + "WebWorkerMLCEngineHandler? Make the engine as soon as its worker, so that it hears why a script fails."));
    });
  }

  #post(message: ClientMessage): void {
    const prompt = message.kind === "answer" ? message.request.prompt : message.kind === "encode" ? message.prompt : undefined;
    const transfer = prompt === undefined ? [] : transfers(prompt);
    if (transfer.length > 0) this.#worker.postMessage(message, transfer);
    else this.#worker.postMessage(message);
  }

  #receive(event: Event): void {
    if (!(event instanceof MessageEvent) || this.#failure !== null) return;
    this.#isHeard = true;
    this.#silentTicks = 0;
    let message: WorkerMessage;
    try {
      message = parseWorkerMessage(event.data);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new ProtocolError(String(error)));
      return;
    }
    switch (message.kind) {
      case "alive":
        break;
      case "progress":
        this.listener.progress(message.report);
        break;
      case "deviceLost":
        this.listener.deviceLost(fromWire(message.error));
        break;
      case "accepted":
        this.#waiting.get(message.id)?.accepted?.();
        break;
      case "events":
        this.#take(message.id, message.events);
        break;
      case "error": {
        const error = fromWire(message.error);
        this.#waiting.get(message.id)?.fail(error);
        this.#answers.get(message.id)?.fail(error);
        this.#close(message.id);
        break;
      }
      default:
        if (message.kind === "begun" && this.#waiting.has(message.id)) this.#open(message.id);
        this.#waiting.get(message.id)?.reply(message);
    }
  }

  /** Events may come before whoever asked has seen that the answer began. */
  #open(id: number): void {
    const events = new PushStream<AnswerEvent>(() => {
      if (!events.isOver) this.#post({ kind: "interrupt", id });
      else if (this.#close(id)) this.#post({ kind: "cancel", id });
    });
    this.#answers.set(id, events);
  }

  /** Whether the answer was open. */
  #close(id: number): boolean {
    const wasOpen = this.#answers.delete(id);
    this.#attend();
    return wasOpen;
  }

  #take(id: number, events: readonly AnswerEvent[]): void {
    const answer = this.#answers.get(id);
    if (answer === undefined) return;
    for (const event of events) {
      answer.push(event);
      if (event.type !== "end") continue;
      this.#close(id);
      answer.end();
      return;
    }
    this.#post({ kind: "credit", id });
  }

  /** Fails what waits and all that comes. The first failure stays. */
  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#lose(error);
    for (const { fail } of [...this.#waiting.values()]) fail(error);
    for (const answer of this.#answers.values()) answer.fail(error);
    this.#answers.clear();
    this.#attend();
  }
}
