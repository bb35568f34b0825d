/** The page's end of the way to an extension's engine: a port, which is opened again where it was lost. */

import { toText, fromText } from "../transport/json_messages.ts";
import { NamedError } from "./errors.ts";
import type { Beat } from "./heartbeat.ts";
import { isProgramsOwn } from "./service_worker.ts";
import type { ChatWorker } from "./web_worker.ts";

/** A chrome.runtime.Port, as far as it is needed here. */
export interface ExtensionPort {
  postMessage(message: unknown): void;
  readonly onMessage: { addListener(listener: (message: unknown, port: ExtensionPort) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

interface ConnectInfo {
  readonly name: string;
}

/** What extensions have beside the page's own names. */
export interface Extension {
  readonly runtime: {
    connect(how: ConnectInfo): ExtensionPort;
    connect(id: string, how: ConnectInfo): ExtensionPort;
    readonly lastError?: { readonly message?: string } | undefined;
    getPlatformInfo?(): Promise<unknown>;
  };
  readonly offscreen?: {
    createDocument(document: { readonly url: string; readonly reasons: readonly string[]; readonly justification: string }): Promise<void>;
    hasDocument(): Promise<boolean>;
  };
}

const PORT_NAME = "web_llm_service_worker";

function isExtension(value: unknown): value is Extension {
  if (typeof value !== "object" || value === null || !("runtime" in value)) return false;
  const { runtime } = value;
  return typeof runtime === "object" && runtime !== null && "connect" in runtime;
}

/** Undefined outside of extensions. */
export function extensionHere(): Extension | undefined {
  const extension: unknown = Reflect.get(globalThis, "chrome");
  return isExtension(extension) ? extension : undefined;
}

/** A program's own messages are objects as they are; the engine's are text. */
export function packed(message: unknown): unknown {
  return isProgramsOwn(message) ? message : toText(message);
}

export function unpacked(message: unknown): unknown {
  return typeof message === "string" ? fromText(message) : message;
}

/** Opens the extension's only offscreen document where it is not open. One page at a time, so that others find it loaded. */
async function openDocument(offscreen: NonNullable<Extension["offscreen"]>, url: string): Promise<void> {
  await navigator.locks.request("webllm-build:offscreen", async () => {
    if (await offscreen.hasDocument()) return;
    await offscreen.createDocument({ url, reasons: ["WORKERS"], justification: "A language model runs in a worker of this document." });
  });
}

export class PortWorker extends EventTarget implements ChatWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  onDisconnect: (() => void) | undefined;
  readonly #extension: Extension;
  readonly #id: string | undefined;
  readonly #document: string | undefined;
  #port: ExtensionPort | undefined;
  #opening: Promise<void> | undefined;
  /** Messages until the document is open. */
  readonly #waiting: unknown[] = [];

  /**
   * @param id of another extension
   * @param document the extension's page that answers; where the browser has no offscreen documents, or none is named, its background script does
   */
  constructor(id: string | undefined, document: string | undefined) {
    super();
    const extension = extensionHere();
    if (extension === undefined) {
      throw new NamedError("NonWorkerEnvironmentError", "There is no chrome.runtime here: this engine is for the pages of an extension.", "FeatureSupport");
    }
    this.#extension = extension;
    this.#id = id;
    this.#document = extension.offscreen === undefined ? undefined : document;
    if (this.#document === undefined) this.#port = this.#connect();
  }

  get port(): ExtensionPort {
    return this.#port ??= this.#connect();
  }

  #connect(): ExtensionPort {
    const { runtime } = this.#extension;
    const port = this.#id === undefined ? runtime.connect({ name: PORT_NAME }) : runtime.connect(this.#id, { name: PORT_NAME });
    let isHeard = false;
    port.onMessage.addListener((message) => {
      isHeard = true;
      this.onmessage?.({ data: unpacked(message) });
    });
    port.onDisconnect.addListener(() => {
      const why = runtime.lastError?.message; // one that nobody reads, the browser writes on the console
      if (!isHeard && why !== undefined) this.#fail(`nobody in the extension listens: the script of its service worker, or of the document named by "offscreen", is to make `
        + `an ExtensionServiceWorkerMLCEngineHandler in chrome.runtime.onConnect (${why})`);
      this.#lose(port);
    });
    return port;
  }

  #lose(port: ExtensionPort | undefined): void {
    if (this.#port === port) this.#port = undefined;
    this.onDisconnect?.();
  }

  #fail(message: string): void {
    this.dispatchEvent(Object.assign(new Event("error"), { message }));
  }

  postMessage(message: unknown): void {
    const text = packed(message);
    if (this.#port === undefined && this.#document !== undefined) {
      this.#waiting.push(text);
      this.#opening ??= this.#open(this.#document).finally(() => { this.#opening = undefined; });
    } else this.#send(text);
  }

  async #open(document: string): Promise<void> {
    const { offscreen } = this.#extension;
    try {
      if (offscreen !== undefined) await openDocument(offscreen, document);
      this.#port ??= this.#connect();
    } catch (error) {
      this.#waiting.length = 0;
      this.#fail(`the offscreen document ${document} could not be opened: is it a page of this extension, and "offscreen" among its permissions? (${String(error)})`);
      return;
    }
    for (const text of this.#waiting.splice(0)) this.#send(text);
  }

  #send(text: unknown): void {
    const { port } = this;
    try {
      port.postMessage(text);
    } catch {
      this.#lose(port); // the page itself has closed it, which no event tells it
    }
  }

  /** Where nothing is open, nothing is kept alive. */
  beat(beat: Beat): void {
    if (this.#port !== undefined) this.#send(toText(beat));
  }
}
