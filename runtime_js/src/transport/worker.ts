/** The worker's end: runs an engine and answers the messages of a WebWorkerMLCEngine. */

import type { BegunAnswer, HostListener, ModelHost } from "../api/host.ts";
import { LocalHost } from "../api/local_host.ts";
import { AbortError, toWire } from "../support/errors.ts";
import { setLogLevel } from "../support/log.ts";
import { everyTick } from "../support/patience.ts";
import { Outbox } from "./outbox.ts";
import { idOfMalformed, parseClientMessage, unreachable, type CallName, type ClientMessage, type WorkerMessage } from "./protocol.ts";

type Post = (message: WorkerMessage) => void;

/** A request that can still be cancelled. */
interface OpenRequest {
  readonly controller: AbortController;
  outbox?: Outbox;
  /** Of an answer that has begun. */
  events?: BegunAnswer["events"];
}

/**
 * Use it as the only listener of a worker's messages:
 *
 *     const handler = new WebWorkerMLCEngineHandler();
 *     self.onmessage = (event) => handler.onmessage(event);
 */
export class WebWorkerMLCEngineHandler {
  readonly #host: ModelHost;
  readonly #post: Post;
  readonly #open = new Map<number, OpenRequest>();
  readonly #busy = new Set<Promise<void>>();
  #isHeard = false;

  constructor(post?: (message: unknown) => void);
  /** @internal `open`: makes what holds the models, or finds it. */
  constructor(post: ((message: unknown) => void) | undefined, open: ((listener: HostListener) => ModelHost) | undefined);
  constructor(
    post: (message: unknown) => void = (message) => globalThis.postMessage(message), open: (listener: HostListener) => ModelHost = (listener) => new LocalHost(listener),
  ) {
    this.#post = post;
    this.#host = open({
      progress: (report) => this.#post({ kind: "progress", report }),
      deviceLost: (error) => this.#post({ kind: "deviceLost", error: toWire(error) }),
    });
  }

  onmessage(event: { readonly data: unknown }): void {
    if (!this.#isHeard) this.#post({ kind: "alive" });
    this.#isHeard = true;
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
        this.#run(message.id, async (id, { controller }) => {
          await this.#host.load(message, controller.signal);
          this.#post({ kind: "done", id });
        });
        break;
      case "answer":
        this.#run(message.id, (id, open) => (
          this.#answer(id, open, message.past !== undefined || message.request.step !== undefined, (signal) => this.#host.begin(message, signal))));
        break;
      case "estimate":
        this.#run(message.id, async (id, { controller }) =>
          this.#post({ kind: "memory", id, memory: await this.#host.estimate(message.choice, controller.signal) }));
        break;
      case "resume":
        this.#run(message.id, (id, open) => this.#answer(id, open, false, (signal) => this.#host.resume(message.sessionId, signal)));
        break;
      case "deleteSession":
        this.#run(message.id, async (id) => {
          await this.#host.deleteResumableSession(message.sessionId);
          this.#post({ kind: "done", id });
        });
        break;
      case "embed":
        this.#run(message.id, async (id, { controller }) =>
          this.#post({ kind: "embeddings", id, ...await this.#host.embed(message, message.model, controller.signal, () => this.#post({ kind: "accepted", id })) }));
        break;
      case "encode":
        this.#run(message.id, async (id) => this.#post({ kind: "tokens", id, tokens: await this.#host.encodePrompt(message.prompt, message.model) }));
        break;
      case "decode":
        this.#run(message.id, async (id) => this.#post({ kind: "text", id, text: await this.#host.decodeTokens(message.tokens, message.model) }));
        break;
      case "call":
        this.#run(message.id, async (id) => this.#post(await this.#call(id, message.name, message.model)));
        break;
      case "credit":
        this.#open.get(message.id)?.outbox?.grant();
        break;
      case "interrupt":
        this.#open.get(message.id)?.events?.cancel();
        break;
      case "cancel":
        this.#open.get(message.id)?.controller.abort(new AbortError("Nobody waits for this request any more."));
        break;
      case "setLogLevel":
        setLogLevel(message.level);
        break;
      default:
        unreachable(message);
    }
  }

  #run(id: number, work: (id: number, open: OpenRequest) => Promise<void>): void {
    const open: OpenRequest = { controller: new AbortController() };
    this.#open.set(id, open);
    const stopSaying = everyTick(() => this.#post({ kind: "alive" }));
    const done = work(id, open).catch((error: unknown) => this.#post({ kind: "error", id, error: toWire(error) })).then(() => {
      stopSaying();
      this.#open.delete(id);
      this.#busy.delete(done);
    });
    this.#busy.add(done);
  }

  /** Requests that are not answered, or whose answers are not over. */
  get open(): readonly number[] {
    return [...this.#open.keys()];
  }

  /** Resolves when all that was asked so far is answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy);
  }

  async #call(id: number, name: CallName, model: string | undefined): Promise<WorkerMessage> {
    switch (name) {
      case "unload":
      case "forgetConversations":
        await this.#host[name](model);
        return { kind: "done", id };
      case "interruptGenerate":
        await this.#host[name]();
        return { kind: "done", id };
      case "keptAnswers":
        return { kind: "sessions", id, sessions: await this.#host[name]() };
      case "loadedModels":
        return { kind: "models", id, models: await this.#host[name]() };
      case "getGPUVendor":
        return { kind: "text", id, text: await this.#host[name]() };
      case "getMaxStorageBufferBindingSize":
        return { kind: "number", id, value: await this.#host[name]() };
      default:
        return unreachable(name);
    }
  }

  /** tellsTokens: whoever asked wants to know them. */
  async #answer(id: number, open: OpenRequest, tellsTokens: boolean, begin: (signal: AbortSignal) => Promise<BegunAnswer>): Promise<void> {
    const { signal } = open.controller;
    const { modelId, events } = await begin(signal);
    open.events = events;
    signal.addEventListener("abort", () => void events.return());
    if (signal.aborted) void events.return();
    this.#post({ kind: "begun", id, modelId });
    const outbox = open.outbox = new Outbox((batch) => this.#post({ kind: "events", id, events: batch }));
    try {
      for await (const event of events) if (tellsTokens || event.type !== "token" || event.logprobs !== undefined) outbox.push(event);
    } finally {
      outbox.flush(); // what came before an end or an error comes first
    }
  }
}
