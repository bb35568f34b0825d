/** The page's handle on an engine that lives in a worker: sends requests, matches answers by id. */

import { ConfiguredEngine } from "../api/configured.ts";
import { AbortError, InternalError, ProtocolError, fromWire } from "../support/errors.ts";
import { Completions } from "../api/openai/completions.ts";
import { parseChatCompletionRequest } from "../api/openai/request.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
  RequestOptions,
} from "../api/openai/types.ts";
import { parseWorkerMessage, type CallName, type ClientMessage, type WorkerMessage } from "./protocol.ts";
import { askForPersistence } from "../storage/quota.ts";
import { PushStream } from "../support/stream.ts";
import type { ChatOptions, LogLevel, MLCEngineConfig, MLCEngineInterface } from "../api/types.ts";

/** What the client needs of a Worker. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: Event) => void): void;
}

type Answer = Exclude<WorkerMessage, { kind: "progress" }>;
type AnswerOf<K extends Answer["kind"]> = Extract<Answer, { kind: K }>;

function isKind<K extends Answer["kind"]>(answer: Answer, kind: K): answer is AnswerOf<K> {
  return answer.kind === kind;
}

function unexpected(answer: Answer): ProtocolError {
  return new ProtocolError(
    `The worker answered with "${answer.kind}", which does not fit the request. Deploy page and worker of one version together.`);
}

export class WebWorkerMLCEngine extends ConfiguredEngine implements MLCEngineInterface {
  readonly chat = { completions: new Completions(this) };
  readonly #worker: WorkerLike;
  readonly #answers = new Map<number, PushStream<Answer>>();
  #nextId = 0;

  constructor(worker: WorkerLike, engineConfig: MLCEngineConfig = {}) {
    super(engineConfig);
    this.#worker = worker;
    worker.addEventListener("message", (event) => this.#receive(event));
    worker.addEventListener("error", (event) => this.#failAll(
      `The engine's worker failed: ${"message" in event ? String(event.message) : "its script could not be loaded"}.`));
    worker.addEventListener("messageerror", () => this.#failAll("A message from the engine's worker could not be read."));
    if (engineConfig.logLevel !== undefined) this.setLogLevel(engineConfig.logLevel);
  }

  async reload(modelId: string, chatOpts: ChatOptions = {}): Promise<void> {
    const choice = this.choose(modelId, chatOpts);
    await askForPersistence();
    await this.#ask("done", (id) => ({ kind: "reload", id, ...choice }));
  }

  async unload(): Promise<void> {
    await this.#call("unload", "done");
  }

  chatCompletion(request: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  chatCompletion(request: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<AsyncIterable<ChatCompletionChunk>>;
  chatCompletion(
    request: ChatCompletionRequest, options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;
  async chatCompletion(
    request: ChatCompletionRequest, options: RequestOptions = {},
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>> {
    const parsed = parseChatCompletionRequest(request);
    const send = (id: number): ClientMessage => ({ kind: "chatCompletion", id, request: parsed });
    if (parsed.stream) return this.#chunks(this.#send(send, options.signal));
    return (await this.#ask("completion", send, options.signal)).completion;
  }

  async interruptGenerate(): Promise<void> {
    await this.#call("interruptGenerate", "done");
  }

  async resetChat(): Promise<void> {
    await this.#call("resetChat", "done");
  }

  async getMessage(): Promise<string> {
    return (await this.#call("getMessage", "text")).text;
  }

  async runtimeStatsText(): Promise<string> {
    return (await this.#call("runtimeStatsText", "text")).text;
  }

  async getGPUVendor(): Promise<string> {
    return (await this.#call("getGPUVendor", "text")).text;
  }

  async getMaxStorageBufferBindingSize(): Promise<number> {
    return (await this.#call("getMaxStorageBufferBindingSize", "number")).value;
  }

  setLogLevel(level: LogLevel): void {
    this.#post({ kind: "setLogLevel", level });
  }

  #call<K extends Answer["kind"]>(name: CallName, kind: K): Promise<AnswerOf<K>> {
    return this.#ask(kind, (id) => ({ kind: "call", id, name }));
  }

  /** Sends one request and waits for its one answer. */
  async #ask<K extends Answer["kind"]>(
    kind: K, make: (id: number) => ClientMessage, signal?: AbortSignal | null,
  ): Promise<AnswerOf<K>> {
    for await (const answer of this.#send(make, signal).answers) {
      if (answer.kind === "error") throw fromWire(answer.error);
      if (!isKind(answer, kind)) throw unexpected(answer);
      return answer;
    }
    throw new InternalError("The worker ended a request without an answer.");
  }

  /** Sends one request; its answers come as a stream. Leaving the stream, or the signal, tells the worker to stop. */
  #send(make: (id: number) => ClientMessage, signal?: AbortSignal | null): { id: number; answers: AsyncIterable<Answer> } {
    const id = this.#nextId++;
    const answers = new PushStream<Answer>();
    const cancel = (): void => {
      if (this.#answers.delete(id)) this.#post({ kind: "cancel", id });
      answers.fail(new AbortError("The request was aborted by its signal."));
    };
    this.#answers.set(id, answers);
    if (signal?.aborted) {
      this.#answers.delete(id);
      answers.fail(new AbortError("The request was aborted before it began."));
      return { id, answers };
    }
    signal?.addEventListener("abort", cancel, { once: true });
    this.#post(make(id));
    return { id, answers: withCleanup(answers, () => { signal?.removeEventListener("abort", cancel); cancel(); }) };
  }

  async *#chunks({ id, answers }: { id: number; answers: AsyncIterable<Answer> }): AsyncGenerator<ChatCompletionChunk, void, undefined> {
    for await (const answer of answers) {
      if (answer.kind === "error") throw fromWire(answer.error);
      if (answer.kind === "end") return;
      if (answer.kind !== "chunks") throw unexpected(answer);
      yield* answer.chunks;
      this.#post({ kind: "credit", id });
    }
  }

  #post(message: ClientMessage): void {
    this.#worker.postMessage(message);
  }

  #receive(event: Event): void {
    if (!(event instanceof MessageEvent)) return;
    let message: WorkerMessage;
    try {
      message = parseWorkerMessage(event.data);
    } catch (error) {
      this.#failAll(error instanceof Error ? error.message : String(error));
      return;
    }
    if (message.kind === "progress") {
      this.report(message.report);
      return;
    }
    const answers = this.#answers.get(message.id);
    if (message.kind !== "chunks") this.#answers.delete(message.id); // every other kind is the last of its request
    answers?.push(message);
  }

  #failAll(message: string): void {
    const waiting = [...this.#answers.values()];
    this.#answers.clear();
    for (const answers of waiting) answers.fail(new ProtocolError(message));
  }
}

async function* withCleanup<T>(items: AsyncIterable<T>, cleanup: () => void): AsyncGenerator<T, void, undefined> {
  try {
    yield* items;
  } finally {
    cleanup();
  }
}

/**
 * Makes an engine in `worker` (a script that runs a WebWorkerMLCEngineHandler) and loads a model into it.
 * @param modelId an id of `engineConfig.appConfig.model_list`, or the URL of a manifest
 */
export async function CreateWebWorkerMLCEngine(
  worker: WorkerLike, modelId: string, engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions,
): Promise<WebWorkerMLCEngine> {
  const engine = new WebWorkerMLCEngine(worker, engineConfig);
  await engine.reload(modelId, chatOpts);
  return engine;
}
