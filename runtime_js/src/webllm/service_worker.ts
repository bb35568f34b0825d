/** WebLLM's engine in a service worker, which all pages of a site share; where the browser has no GPU there, in a worker of one of the pages. */

import { createFetch } from "../api/openai/fetch.ts";
import { Tenants, type Tenant } from "../api/tenants.ts";
import { answer } from "../endpoint/answer.ts";
import { askPages, pagesBelow } from "../endpoint/ask.ts";
import { isAsked, type Asked, type Told } from "../endpoint/messages.ts";
import { answerBelow, scopeHere } from "../endpoint/serve.ts";
import { InternalError } from "../support/errors.ts";
import { holdLock, whenFree } from "../support/web_locks.ts";
import { parseClientMessage } from "../transport/protocol.ts";
import { RemoteHost } from "../transport/remote_host.ts";
import { WebWorkerMLCEngineHandler as OwnHandler } from "../transport/worker.ts";
import { NamedError } from "./errors.ts";
import { answered, isHello, isWelcome, lockManager, type Hello, type Welcome } from "./greeting.ts";
import { isBeat, keepAlive } from "./heartbeat.ts";
import { siteWorker } from "./site_worker.ts";
import type { ChatOptions, MLCEngineConfig } from "./types.ts";
import { WebWorkerMLCEngine, WebWorkerMLCEngineHandler, checkKind, type ChatWorker } from "./web_worker.ts";

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

/** A message that the program sends by `getPromise`, or the reply to one. */
export function isProgramsOwn(data: unknown): data is { readonly uuid: string } {
  return typeof data === "object" && data !== null && "uuid" in data && typeof data.uuid === "string" && !isBeat(data, "keepAlive") && !isHello(data);
}

interface Visitor {
  readonly handler: OwnHandler;
  readonly tenant: Tenant;
  /** The page has ended. */
  isGone: boolean;
}

function isFromEngine(data: unknown): boolean {
  if (isBeat(data, "keepAlive") || isHello(data)) return true;
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
  readonly #life = `webllm-build life ${crypto.randomUUID()}`;
  readonly #locks = lockManager();
  readonly #isHeld: Promise<void> = this.#locks.then((locks) => holdLock(locks, this.#life));

  constructor() {
    if (typeof globalThis.addEventListener !== "function") {
      throw new NamedError("NonWorkerEnvironmentError", "ServiceWorkerMLCEngineHandler must be created in the service worker script.", "FeatureSupport");
    }
    super();
    made = this;
    globalThis.addEventListener("message", (event) => {
      if (made !== this) return;
      if (isFromPage(event) && event.source !== null && isProgramsOwn(event.data)) this.#expect(event.data.uuid, event.source, event);
      this.onmessage(event);
    });
  }

  /**
   * Called by the service worker's script as it starts: requests of the site's pages below `path` (meant from its scope) are answered as OpenAI's server
   * would, by the model that a page has loaded here. Where the browser has stopped this worker since, that page has it loaded again.
   */
  serveEndpoint(path = "v1/"): void {
    const { inner } = this.engine;
    answerBelow(path, async (request) => {
      if ((await inner.models.list()).data.length > 0) return createFetch(inner, true)(request);
      return askPages(request, new URL(request.url).pathname.slice(1), await pagesBelow(scopeHere()), scopeHere());
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

  override onmessage(event: { readonly data: unknown }, onComplete?: (value: unknown) => void, onError?: () => void): void {
    if (!isFromPage(event) || event.source === null) return;
    checkKind(event.data, onError);
    if (isProgramsOwn(event.data)) return;
    const work = this.#take(event, event.source);
    event.waitUntil(work);
    if (onComplete !== undefined) void work.then(() => onComplete(null));
  }

  /** Resolves when what the page has asked so far is answered. */
  #take(event: MessageFromPage, source: Page): Promise<void> {
    const { data } = event;
    const handler = this.#visitors.get(source.id)?.handler; // whoever spoke to an earlier life of this worker says hello to this one
    if (isHello(data)) return this.#welcome(source, data);
    if (isBeat(data, "keepAlive")) source.postMessage({ kind: "heartbeat", uuid: data.uuid });
    else handler?.onmessage(event);
    return handler?.settled() ?? Promise.resolve();
  }

  async #welcome(page: Page, { uuid, life }: Hello): Promise<void> {
    await this.#isHeld;
    // A page that is loaded again finds its models: those of the last page have stayed.
    const before = this.#visitors.get(page.id) ?? [...this.#visitors.values()].find(({ isGone }) => isGone);
    let entered: Tenant | undefined;
    const post = (message: unknown): void => { if (this.#visitors.get(page.id) === visitor) page.postMessage(message); };
    const handler = new OwnHandler(post, (listener) => entered = this.#tenants.enter(listener, before?.tenant));
    if (entered === undefined) throw new InternalError("a handler has no models");
    const visitor: Visitor = { handler, tenant: entered, isGone: false };
    for (const [id, { isGone }] of this.#visitors) if (isGone) this.#visitors.delete(id);
    this.#visitors.set(page.id, visitor);
    whenFree(await this.#locks, life, () => void this.#left(page.id, visitor));
    page.postMessage({ kind: "welcome", uuid, life: this.#life, hasGPU: navigator.gpu !== undefined } satisfies Welcome);
  }

  /** What a page has asked ends with it. */
  async #left(id: string, visitor: Visitor): Promise<void> {
    if (this.#visitors.get(id) !== visitor) return;
    visitor.isGone = true;
    if (this.#visitors.size === 1) {
      await visitor.tenant.interruptGenerate();
      return;
    }
    this.#visitors.delete(id);
    await visitor.tenant.leave();
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
  /** A request to the endpoint of a service worker that has no models. */
  onasked: ((asked: Asked, port: MessagePort) => void) | undefined;
  readonly #container: ServiceWorkerContainer;
  /** The one that was greeted: what follows is for it alone. */
  #greeted: { postMessage(message: unknown): void } | undefined;

  constructor() {
    if (typeof navigator === "undefined" || !("serviceWorker" in navigator)) {
      throw new NamedError("NoServiceWorkerAPIError", "Service worker API is not available in your browser. Please ensure that your browser supports "
        + "service workers and that you are using a secure context (HTTPS), or localhost.", "FeatureSupport");
    }
    this.#container = navigator.serviceWorker;
    this.#container.addEventListener("message", (event) => {
      const [port] = event.ports;
      if (port !== undefined && isAsked(event.data)) this.onasked?.(event.data, port);
      else this.onmessage?.(event);
    });
    this.#container.startMessages();
  }

  /** Speaks to the service worker that is active now. */
  async greet(hello: Hello): Promise<void> {
    const { active } = await this.#container.ready;
    this.#greeted = active ?? this.#container.controller ?? undefined;
    this.#greeted?.postMessage(hello);
  }

  postMessage(message: unknown): void {
    if (this.#greeted !== undefined) this.#greeted.postMessage(message);
    else void this.#container.ready.then(({ active }) => (active ?? this.#container.controller)?.postMessage(message));
  }
}

export class ServiceWorkerMLCEngine extends WebWorkerMLCEngine {
  /** Heartbeats that were sent since one came back. */
  missedHeartbeat = 0;
  readonly #greetings: Map<string, (welcome: Welcome) => void>;

  constructor(engineConfig?: MLCEngineConfig, keepAliveMs = 10_000) {
    const port = new ServiceWorkerPort();
    const greetings = new Map<string, (welcome: Welcome) => void>();
    super(port, engineConfig, (worker) => async (listener, lose, gone) => {
      const [locks, uuid] = [await lockManager(), crypto.randomUUID()];
      const life = `webllm-build page ${uuid}`;
      await holdLock(locks, life, gone);
      const welcome = await answered(new Promise<Welcome>((resolve, reject) => {
        greetings.set(uuid, resolve);
        port.greet({ kind: "hello", uuid, life }).catch(reject);
      })).finally(() => greetings.delete(uuid));
      const start = welcome.hasGPU === false ? siteWorker() : undefined;
      if (start !== undefined) return RemoteHost.until(gone, start(), listener, lose); // nothing of it ends with the service worker
      whenFree(locks, welcome.life, lose, gone);
      return RemoteHost.until(gone, worker, listener, lose);
    });
    this.#greetings = greetings;
    port.onasked = (asked, reply) => void this.#takeRequest(asked, reply);
    keepAlive((beat) => {
      this.missedHeartbeat++;
      port.postMessage(beat);
    }, keepAliveMs);
  }

  /** The model that this page has loaded answers, which is loaded again for that. */
  async #takeRequest(asked: Asked, port: MessagePort): Promise<void> {
    const { host } = this.inner;
    const isLoaded = await host.loadedModels().then(({ length }) => length > 0, () => false);
    port.postMessage({ kind: isLoaded ? "taken" : "refused" } satisfies Told);
    if (isLoaded) await answer(host, asked, port);
  }

  override onmessage(event: { readonly data: unknown }): void {
    const { data } = event;
    if (isBeat(data, "heartbeat")) this.missedHeartbeat = 0;
    else if (isWelcome(data)) this.#greetings.get(data.uuid)?.(data);
    else super.onmessage(event);
  }
}
/** The page has registered a service worker whose script makes a ServiceWorkerMLCEngineHandler. */
export async function CreateServiceWorkerMLCEngine(
  modelId: string | string[], engineConfig?: MLCEngineConfig, chatOpts?: ChatOptions | ChatOptions[], keepAliveMs = 10_000,
): Promise<ServiceWorkerMLCEngine> {
  const engine = new ServiceWorkerMLCEngine(engineConfig, keepAliveMs);
  const { active } = await navigator.serviceWorker.ready;
  if (active === null) throw new NamedError("ServiceWorkerInitializationError", "Service worker failed to initialize: it is there and does not run. "
    + "Please refresh the page to retry initializing the service worker.", "FeatureSupport");
  await engine.reload(modelId, chatOpts);
  return engine;
}
