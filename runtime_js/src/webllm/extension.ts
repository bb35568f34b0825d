/** WebLLM's engine in a browser extension's service worker, over a port. */

import { fromText, toText } from "../transport/json_messages.ts";
import { NamedError } from "./errors.ts";
import { isBeat, keepAlive } from "./heartbeat.ts";
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

  constructor(port: ExtensionPort) {
    super();
    this.setPort(port);
  }

  /** Answers another page from now on; what the last one loaded stays. */
  setPort(port: ExtensionPort): void {
    this.port = port;
    port.onMessage.addListener((message) => { if (this.port === port) this.onmessage(message); });
    port.onDisconnect.addListener(() => this.onPortDisconnect(port));
  }

  onPortDisconnect(port: ExtensionPort): void {
    if (this.port === port) this.port = null;
  }

  override postMessage(message: unknown): void {
    this.port?.postMessage(toText(message));
  }

  override onmessage(message: unknown): void {
    const data = read(message);
    if (isBeat(data, "keepAlive")) this.postMessage({ kind: "heartbeat", uuid: data.uuid });
    else super.onmessage({ data });
  }
}

class PortWorker implements ChatWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  readonly port: ExtensionPort;

  constructor(port: ExtensionPort) {
    this.port = port;
    port.onMessage.addListener((message) => this.onmessage?.({ data: read(message) }));
  }

  postMessage(message: unknown): void {
    this.port.postMessage(toText(message));
  }
}

export class ExtensionServiceWorkerMLCEngine extends WebWorkerMLCEngine {
  readonly port: ExtensionPort;
  extensionId?: string;

  constructor(engineConfig: ExtensionMLCEngineConfig = {}, keepAliveMs = 10_000) {
    const { extensionId, onDisconnect } = engineConfig;
    const extension: unknown = Reflect.get(globalThis, "chrome");
    if (!isExtension(extension)) {
      throw new NamedError("NonWorkerEnvironmentError", "There is no chrome.runtime here: this engine is for the pages of an extension.", "FeatureSupport");
    }
    const port = extension.runtime.connect(extensionId, { name: PORT_NAME });
    super(new PortWorker(port), engineConfig);
    this.port = port;
    if (extensionId !== undefined) this.extensionId = extensionId;
    const stop = keepAlive((beat) => port.postMessage(toText(beat)), keepAliveMs);
    port.onDisconnect.addListener(() => {
      stop();
      onDisconnect?.();
    });
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
