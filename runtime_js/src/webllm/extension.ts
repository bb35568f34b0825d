/** WebLLM's engine in a browser extension's service worker, over a port. */

import { Tenants, type Tenant } from "../api/tenants.ts";
import { InternalError, ModelNotLoadedError } from "../support/errors.ts";
import { WebWorkerMLCEngineHandler as OwnHandler } from "../transport/worker.ts";
import { fromText, toText } from "../transport/json_messages.ts";
import { NamedError } from "./errors.ts";
import { isBeat, keepAlive, type Beat } from "./heartbeat.ts";
import type { ChatOptions, ExtensionMLCEngineConfig } from "./types.ts";
import { WebWorkerMLCEngine, WebWorkerMLCEngineHandler, type ChatWorker } from "./web_worker.ts";

const PORT_NAME = "web_llm_service_worker";

/** A chrome.runtime.Port, as far as it is needed here. */
export interface ExtensionPort {
  postMessage(message: unknown): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

/** What extensions have beside the page's own names. */
interface Extension {
  readonly runtime: { connect(id: string | undefined, how: { readonly name: string }): ExtensionPort };
}

function isExtension(value: unknown): value is Extension {
  return typeof value === "object" && value !== null && "runtime" in value;
}

/** A program's own messages are objects, the engine's are text. */
function read(message: unknown): unknown {
  return typeof message === "string" ? fromText(message) : message;
}

export class ExtensionServiceWorkerMLCEngineHandler extends WebWorkerMLCEngineHandler {
  port: ExtensionPort | null = null;
  readonly #tenants = new Tenants(this.engine.inner.host);
  #visitor: { readonly handler: OwnHandler; readonly tenant: Tenant } | undefined;

  constructor(port: ExtensionPort) {
    super();
    this.setPort(port);
  }

  /** Answers another page from now on; what the last one loaded stays until this one loads something else. */
  setPort(port: ExtensionPort): void {
    this.port = port;
    let tenant: Tenant | undefined;
    const handler = new OwnHandler((message) => { if (this.port === port) this.postMessage(message); },
      (listener) => tenant = this.#tenants.enter(listener, this.#visitor?.tenant));
    if (tenant === undefined) throw new InternalError("a handler has no models");
    this.#visitor = { handler, tenant };
    port.onMessage.addListener((message) => { if (this.port === port) this.onmessage(message); });
    port.onDisconnect.addListener(() => this.onPortDisconnect(port));
  }

  onPortDisconnect(port: ExtensionPort): void {
    if (this.port !== port) return;
    this.port = null;
    void this.#visitor?.tenant.interruptGenerate();
  }

  override postMessage(message: unknown): void {
    this.port?.postMessage(toText(message));
  }

  override onmessage(message: unknown): void {
    const data = read(message);
    if (isBeat(data, "keepAlive")) this.postMessage({ kind: "heartbeat", uuid: data.uuid });
    else this.#visitor?.handler.onmessage({ data });
  }
}

/** A port that is opened again where the browser has stopped the service worker, which starts it. */
class PortWorker implements ChatWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  onDisconnect: (() => void) | undefined;
  readonly #connect: () => ExtensionPort;
  #port: ExtensionPort | undefined;

  constructor(connect: () => ExtensionPort) {
    this.#connect = connect;
  }

  get port(): ExtensionPort {
    return this.#port ??= this.#open();
  }

  #open(): ExtensionPort {
    const port = this.#connect();
    port.onMessage.addListener((message) => this.onmessage?.({ data: read(message) }));
    port.onDisconnect.addListener(() => {
      this.#port = undefined;
      this.onDisconnect?.();
    });
    return port;
  }

  postMessage(message: unknown): void {
    this.port.postMessage(toText(message));
  }

  /** Where nothing is open, nothing is kept alive. */
  beat(beat: Beat): void {
    try {
      this.#port?.postMessage(toText(beat));
    } catch {
      this.#port = undefined; // the page itself has closed it, which no event tells it
    }
  }
}

export class ExtensionServiceWorkerMLCEngine extends WebWorkerMLCEngine {
  extensionId?: string;
  readonly #port: PortWorker;

  constructor(engineConfig: ExtensionMLCEngineConfig = {}, keepAliveMs = 10_000) {
    const { extensionId, onDisconnect } = engineConfig;
    const extension: unknown = Reflect.get(globalThis, "chrome");
    if (!isExtension(extension)) {
      throw new NamedError("NonWorkerEnvironmentError", "There is no chrome.runtime here: this engine is for the pages of an extension.", "FeatureSupport");
    }
    const port = new PortWorker(() => extension.runtime.connect(extensionId, { name: PORT_NAME }));
    super(port, engineConfig, true);
    this.#port = port;
    if (extensionId !== undefined) this.extensionId = extensionId;
    keepAlive((beat) => port.beat(beat), keepAliveMs);
    port.onDisconnect = () => {
      onDisconnect?.();
      const { host } = this.inner;
      host.forget(host.nextId, [], new ModelNotLoadedError(
        "The browser stopped the extension's service worker before this was answered. Ask again: it is started and the model is loaded again then."));
    };
  }

  get port(): ExtensionPort {
    return this.#port.port;
  }

  override onmessage(event: { readonly data: unknown }): void {
    if (!isBeat(event.data, "heartbeat")) super.onmessage(event);
  }
}

export async function CreateExtensionServiceWorkerMLCEngine(
  modelId: string | string[], engineConfig?: ExtensionMLCEngineConfig, chatOpts?: ChatOptions | ChatOptions[], keepAliveMs = 10_000,
): Promise<ExtensionServiceWorkerMLCEngine> {
  const engine = new ExtensionServiceWorkerMLCEngine(engineConfig, keepAliveMs);
  await engine.reload(modelId, chatOpts);
  return engine;
}
