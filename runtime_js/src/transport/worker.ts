/** The worker's end: runs an engine and answers the messages of a WebWorkerMLCEngine. */

import { MLCEngine } from "../api/engine.ts";
import { asEngineError, toWire } from "../support/errors.ts";
import { setLogLevel } from "../support/log.ts";
import type { ChatCompletionChunk, ChatCompletionRequest } from "../api/openai/types.ts";
import { idOfMalformed, parseClientMessage, unreachable, type CallName, type ClientMessage, type WorkerMessage } from "./protocol.ts";
import type { MLCEngineInterface } from "../api/types.ts";

/** Messages of one stream that may be under way; chunks made meanwhile travel together in the next. */
const STREAM_WINDOW = 4;

/** What the handler needs of an engine. */
export type WorkerEngine = MLCEngineInterface & Pick<MLCEngine, "load">;

type Post = (message: WorkerMessage) => void;

class Outbox {
  readonly #id: number;
  readonly #post: Post;
  #pending: ChatCompletionChunk[] = [];
  #credit = STREAM_WINDOW;

  constructor(id: number, post: Post) {
    this.#id = id;
    this.#post = post;
  }

  push(chunk: ChatCompletionChunk): void {
    this.#pending.push(chunk);
    if (this.#credit > 0) this.flush();
  }

  grant(): void {
    this.#credit++;
    if (this.#pending.length > 0) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    this.#post({ kind: "chunks", id: this.#id, chunks: this.#pending });
    this.#pending = [];
    this.#credit--;
  }
}

interface Request {
  readonly controller: AbortController;
  readonly outbox: Outbox;
}

/**
 * Use it as the only listener of a worker's messages:
 *
 *     const handler = new WebWorkerMLCEngineHandler();
 *     self.onmessage = (event) => handler.onmessage(event);
 */
export class WebWorkerMLCEngineHandler {
  readonly #engine: WorkerEngine;
  readonly #post: Post;
  readonly #requests = new Map<number, Request>();

  constructor(post: (message: unknown) => void = (message) => globalThis.postMessage(message), engine: WorkerEngine = new MLCEngine()) {
    this.#post = post;
    this.#engine = engine;
    engine.setInitProgressCallback((report) => this.#post({ kind: "progress", report }));
  }

  onmessage(event: { readonly data: unknown }): void {
    let message: ClientMessage;
    try {
      message = parseClientMessage(event.data);
    } catch (error) {
      const id = idOfMalformed(event.data);
      if (id !== null) this.#post({ kind: "error", id, error: toWire(error) });
      return;
    }
    this.#handle(message);
  }

  #handle(message: ClientMessage): void {
    switch (message.kind) {
      case "reload":
        this.#answer(message.id, async (id) => {
          await this.#engine.load(message);
          return { kind: "done", id };
        });
        break;
      case "call":
        this.#answer(message.id, (id) => this.#call(id, message.name));
        break;
      case "chatCompletion":
        this.#answer(message.id, (id) => this.#complete(id, message.request));
        break;
      case "credit":
        this.#requests.get(message.id)?.outbox.grant();
        break;
      case "cancel":
        this.#requests.get(message.id)?.controller.abort();
        break;
      case "setLogLevel":
        setLogLevel(message.level);
        break;
      default:
        unreachable(message);
    }
  }

  #answer(id: number, work: (id: number) => Promise<WorkerMessage>): void {
    work(id).then(this.#post, (error: unknown) => this.#post({ kind: "error", id, error: toWire(asEngineError(error)) }));
  }

  async #call(id: number, name: CallName): Promise<WorkerMessage> {
    switch (name) {
      case "unload":
      case "resetChat":
      case "interruptGenerate":
        await this.#engine[name]();
        return { kind: "done", id };
      case "getMessage":
      case "runtimeStatsText":
      case "getGPUVendor":
        return { kind: "text", id, text: await this.#engine[name]() };
      case "getMaxStorageBufferBindingSize":
        return { kind: "number", id, value: await this.#engine[name]() };
      default:
        return unreachable(name);
    }
  }

  async #complete(id: number, request: ChatCompletionRequest): Promise<WorkerMessage> {
    const controller = new AbortController();
    const outbox = new Outbox(id, this.#post);
    this.#requests.set(id, { controller, outbox });
    try {
      const options = { signal: controller.signal };
      if (!request.stream) return { kind: "completion", id, completion: await this.#engine.chatCompletion(request, options) };
      for await (const chunk of await this.#engine.chatCompletion(request, options)) outbox.push(chunk);
      return { kind: "end", id };
    } finally {
      outbox.flush(); // what came before an end or an error comes first
      this.#requests.delete(id);
    }
  }
}
