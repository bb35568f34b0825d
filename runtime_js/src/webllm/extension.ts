/** WebLLM's engine in a browser extension's service worker, or in its offscreen document, over ports. */

import { Tenants, type Tenant } from "../api/tenants.ts";
import { InternalError } from "../support/errors.ts";
import { RemoteHost } from "../transport/remote_host.ts";
import { WebWorkerMLCEngineHandler as OwnHandler } from "../transport/worker.ts";
import type { WorkerLike } from "../transport/worker_like.ts";
import { PortWorker, extensionHere, packed, unpacked, type ExtensionPort } from "./extension_port.ts";
import { isBeat, keepAlive } from "./heartbeat.ts";
import { isProgramsOwn } from "./service_worker.ts";
import type { ChatOptions, ExtensionMLCEngineConfig } from "./types.ts";
import { WebWorkerMLCEngine, WebWorkerMLCEngineHandler, overMessages } from "./web_worker.ts";

export type { ExtensionPort };

/** Less than the 30 seconds after which browsers stop a service worker that no event or call of an extension's API keeps. */
const AWAKE_MS = 20_000;

interface Visitor {
  readonly handler: OwnHandler;
  readonly tenant: Tenant;
}

/**
 * Answers the pages of an extension, with one engine for all:
 *
 *     let handler;
 *     chrome.runtime.onConnect.addListener((port) => {
 *       if (handler === undefined) handler = new ExtensionServiceWorkerMLCEngineHandler(port);
 *       else handler.setPort(port);
 *       port.onMessage.addListener(handler.onmessage.bind(handler));
 *     });
 */
export class ExtensionServiceWorkerMLCEngineHandler extends WebWorkerMLCEngineHandler {
  /** The latest that is open. */
  port: ExtensionPort | null = null;
  readonly #tenants: Tenants;
  readonly #visitors = new Map<ExtensionPort, Visitor>();
  /** Whose models stay for the next page: who left last. */
  #left: Tenant | undefined;
  /** Whose own messages are not answered yet, by their uuid. */
  readonly #asked = new Map<string, ExtensionPort>();

  /** @param worker runs the models instead of this thread: for an offscreen document, whose thread is that of the extension's pages */
  constructor(port: ExtensionPort, worker?: WorkerLike) {
    super();
    this.#tenants = new Tenants(worker === undefined ? this.engine.inner.host : new RemoteHost(worker));
    this.setPort(port);
    setInterval(() => {
      if ([...this.#visitors.values()].some(({ handler }) => handler.open.length > 0)) void extensionHere()?.runtime.getPlatformInfo?.();
    }, AWAKE_MS);
  }

  /** Answers another page, too. */
  setPort(port: ExtensionPort): void {
    this.port = port;
    let tenant: Tenant | undefined;
    const handler = new OwnHandler((message) => { if (this.#visitors.has(port)) port.postMessage(packed(message)); },
      (listener) => tenant = this.#tenants.enter(listener, this.#left));
    if (tenant === undefined) throw new InternalError("a handler has no models");
    this.#left = undefined;
    this.#visitors.set(port, { handler, tenant });
    port.onMessage.addListener((message) => { if (isProgramsOwn(message)) this.#asked.set(message.uuid, port); });
    port.onDisconnect.addListener(() => this.onPortDisconnect(port));
  }

  /** What only this page had loaded is freed; the last page's models stay, so that one that is loaded again finds them. */
  onPortDisconnect(port: ExtensionPort): void {
    const visitor = this.#visitors.get(port);
    if (visitor === undefined) return;
    this.#visitors.delete(port);
    for (const [uuid, from] of this.#asked) if (from === port) this.#asked.delete(uuid);
    this.port = [...this.#visitors.keys()].at(-1) ?? null;
    if (this.#visitors.size > 0) void visitor.tenant.leave();
    else {
      this.#left = visitor.tenant;
      void visitor.tenant.interruptGenerate();
    }
  }

  /** Replies to a program's own messages, to the page that asked. */
  override postMessage(message: unknown): void {
    const asked = isProgramsOwn(message) ? this.#asked.get(message.uuid) : undefined;
    if (isProgramsOwn(message)) this.#asked.delete(message.uuid);
    (asked ?? this.port)?.postMessage(packed(message));
  }

  /** @param from the port that it came through, as Chrome's listeners are given it */
  override onmessage(message: unknown, from?: unknown): void {
    const data = unpacked(message);
    const visitor = [...this.#visitors].find(([port]) => port === (from ?? this.port))?.[1];
    if (!isBeat(data, "keepAlive")) visitor?.handler.onmessage({ data });
  }
}

export class ExtensionServiceWorkerMLCEngine extends WebWorkerMLCEngine {
  extensionId?: string;
  readonly #port: PortWorker;

  constructor(engineConfig: ExtensionMLCEngineConfig = {}, keepAliveMs = 10_000) {
    const { extensionId, offscreen, onDisconnect } = engineConfig;
    const port = new PortWorker(extensionId, offscreen);
    super(port, engineConfig, overMessages);
    this.#port = port;
    if (extensionId !== undefined) this.extensionId = extensionId;
    keepAlive((beat) => port.beat(beat), keepAliveMs);
    port.onDisconnect = () => {
      onDisconnect?.();
      this.lost();
    };
  }

  /** The port that is open, or a new one. */
  get port(): ExtensionPort {
    return this.#port.port;
  }
}

export async function CreateExtensionServiceWorkerMLCEngine(
  modelId: string | string[], engineConfig?: ExtensionMLCEngineConfig, chatOpts?: ChatOptions | ChatOptions[], keepAliveMs = 10_000,
): Promise<ExtensionServiceWorkerMLCEngine> {
  const engine = new ExtensionServiceWorkerMLCEngine(engineConfig, keepAliveMs);
  await engine.reload(modelId, chatOpts);
  return engine;
}
