/** WebLLM's engine in a service worker, which all pages of a site share. */

import { Tenants, type Tenant } from "../api/tenants.ts";
import { ModelNotLoadedError } from "../support/errors.ts";
import { parseClientMessage } from "../transport/protocol.ts";
import { WebWorkerMLCEngineHandler as OwnHandler } from "../transport/worker.ts";
import { NamedError } from "./errors.ts";
import { isBeat, keepAlive } from "./heartbeat.ts";
import type { ChatOptions, MLCEngineConfig } from "./types.ts";
import { WebWorkerMLCEngine, WebWorkerMLCEngineHandler, type ChatWorker } from "./web_worker.ts";

/** A page, to the service worker. */
interface Page {
  readonly id: string;
  postMessage(message: unknown): void;
}

interface MessageFromPage {
  readonly data: unknown;
  readonly source: Page | null;
  waitUntil(work: Promise<unknown>): void;
}

function isFromPage(event: object): event is MessageFromPage {
  return "source" in event && "waitUntil" in event;
}

/** The service worker's own, as far as it is needed here. */
interface Scope {
  readonly clients: { get(id: string): Promise<Page | undefined> };
}

function isScope(scope: object): scope is Scope {
  return "clients" in scope;
}

/** A message that the program sends by `getPromise`, or the reply to one. */
export function isProgramsOwn(data: unknown): data is { readonly uuid: string } {
  return typeof data === "object" && data !== null && "uuid" in data && typeof data.uuid === "string" && !isBeat(data, "keepAlive");
}

interface Visitor {
  readonly handler: OwnHandler;
  readonly tenant: Tenant;
}

function isFromEngine(data: unknown): boolean {
  if (isBeat(data, "keepAlive")) return true;
  try {
    parseClientMessage(data);
    return true;
  } catch {
    return false;
  }
}

/** The one that answers: the last that was made. */
let made: ServiceWorkerMLCEngineHandler | undefined;

export class ServiceWorkerMLCEngineHandler extends WebWorkerMLCEngineHandler {
  readonly #tenants = new Tenants(this.engine.inner.host);
  readonly #visitors = new Map<string, Visitor>();
  /** Who waits for the answer to a message of the program's own. */
  readonly #asked = new Map<string, { readonly page: Page; readonly done: () => void }>();

  constructor() {
    super();
    made = this;
    globalThis.addEventListener("message", (event) => {
      if (made !== this) return;
      if (isFromPage(event) && event.source !== null && isProgramsOwn(event.data)) this.#expect(event.data.uuid, event.source, event);
      this.onmessage(event);
    });
  }

  #expect(uuid: string, page: Page, event: MessageFromPage): void {
    event.waitUntil(new Promise<void>((done) => { this.#asked.set(uuid, { page, done }); }));
  }

  /** Replies to a message of the program's own, which go to the page that sent it. */
  override postMessage(message: unknown): void {
    const asked = isProgramsOwn(message) ? this.#asked.get(message.uuid) : undefined;
    if (!isProgramsOwn(message) || asked === undefined) return;
    this.#asked.delete(message.uuid);
    asked.page.postMessage(message);
    asked.done();
  }

  override onmessage(event: { readonly data: unknown }): void {
    if (!isFromPage(event) || event.source === null || isProgramsOwn(event.data)) return;
    const { data, source } = event;
    if (isBeat(data, "keepAlive")) {
      source.postMessage({ kind: "heartbeat", uuid: data.uuid, open: this.#visitors.get(source.id)?.handler.open ?? [] });
      event.waitUntil(this.#forgetWhoLeft());
      return;
    }
    const { handler } = this.#visitor(source);
    handler.onmessage(event);
    event.waitUntil(handler.settled());
  }

  #visitor(page: Page): Visitor {
    const known = this.#visitors.get(page.id);
    if (known !== undefined) return known;
    let entered: Tenant | undefined;
    const handler = new OwnHandler((message) => page.postMessage(message), (listener) => entered = this.#tenants.enter(listener));
    if (entered === undefined) throw new Error("a handler has no models");
    const visitor = { handler, tenant: entered };
    this.#visitors.set(page.id, visitor);
    return visitor;
  }

  /** The last of them stays, so that a page that is loaded again finds its models. */
  async #forgetWhoLeft(): Promise<void> {
    const scope: object = globalThis;
    if (!isScope(scope) || this.#visitors.size < 2) return;
    for (const [id, { tenant }] of this.#visitors) {
      if (await scope.clients.get(id) !== undefined) continue;
      this.#visitors.delete(id);
      await tenant.leave();
    }
  }
}

/**
 * A browser that starts a service worker again runs its script, and no `activate`: a handler that is made there, as in WebLLM's example, would
 * be missing then. The first message of a page's engine makes it.
 */
const ofServiceWorkers: unknown = Reflect.get(globalThis, "ServiceWorkerGlobalScope");
if (typeof ofServiceWorkers === "function" && globalThis instanceof ofServiceWorkers) {
  globalThis.addEventListener("message", (event) => {
    if (made === undefined && isFromEngine(event.data)) new ServiceWorkerMLCEngineHandler().onmessage(event);
  });
}

/** The service worker that controls, or will control, this page. */
class ServiceWorkerPort implements ChatWorker {
  onmessage: ((event: MessageEvent) => void) | undefined;
  readonly #container: ServiceWorkerContainer;

  constructor() {
    if (typeof navigator === "undefined" || !("serviceWorker" in navigator)) {
      throw new NamedError("NoServiceWorkerAPIError", "This browser has no service workers here: is the page on https, or on localhost?", "FeatureSupport");
    }
    this.#container = navigator.serviceWorker;
    this.#container.addEventListener("message", (event) => this.onmessage?.(event));
    this.#container.startMessages();
  }

  postMessage(message: unknown): void {
    void this.#container.ready.then(({ active }) => (active ?? this.#container.controller)?.postMessage(message));
  }
}

export class ServiceWorkerMLCEngine extends WebWorkerMLCEngine {
  /** Heartbeats that were sent since one came back. */
  missedHeartbeat = 0;
  /** By the beats that are under way: what was asked before them has smaller ids. */
  readonly #asked = new Map<string, number>();

  constructor(engineConfig?: MLCEngineConfig, keepAliveMs = 10_000) {
    const port = new ServiceWorkerPort();
    super(port, engineConfig, true);
    keepAlive((beat) => {
      this.missedHeartbeat++;
      this.#asked.set(beat.uuid, this.inner.host.nextId);
      port.postMessage(beat);
    }, keepAliveMs);
  }

  override onmessage(event: { readonly data: unknown }): void {
    const { data } = event;
    if (!isBeat(data, "heartbeat")) {
      super.onmessage(event);
      return;
    }
    this.missedHeartbeat = 0;
    this.inner.host.forget(this.#asked.get(data.uuid) ?? 0, data.open ?? [], new ModelNotLoadedError(
      "The browser stopped the service worker before this was answered, and started it again. Ask again: the model is loaded again then."));
    this.#asked.delete(data.uuid);
  }
}

/** The page has registered a service worker whose script makes a ServiceWorkerMLCEngineHandler. */
export async function CreateServiceWorkerMLCEngine(
  modelId: string | string[], engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions | ChatOptions[], keepAliveMs = 10_000,
): Promise<ServiceWorkerMLCEngine> {
  const engine = new ServiceWorkerMLCEngine(engineConfig, keepAliveMs);
  const { active } = await navigator.serviceWorker.ready;
  if (active === null) throw new NamedError("ServiceWorkerInitializationError", "The service worker is there and does not run. Load the page again.", "FeatureSupport");
  await engine.reload(modelId, chatOpts);
  return engine;
}
