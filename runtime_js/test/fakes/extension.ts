/** A browser extension in this thread: its script that answers, and its pages. */

import assert from "node:assert/strict";
import type { ExtensionPort } from "../../src/webllm/extension_port.ts";

type Listener = (message: unknown, port: ExtensionPort) => void;

/** Both ends of an extension's port, which carries JSON. */
export class Port implements ExtensionPort {
  readonly #messages: Listener[] = [];
  readonly #ends: (() => void)[] = [];
  readonly onMessage = { addListener: (listener: Listener): void => { this.#messages.push(listener); } };
  readonly onDisconnect = { addListener: (listener: () => void): void => { this.#ends.push(listener); } };
  peer: Port | undefined = undefined;

  static pair(): [Port, Port] {
    const [a, b] = [new Port(), new Port()];
    [a.peer, b.peer] = [b, a];
    return [a, b];
  }

  postMessage(message: unknown): void {
    const { peer } = this;
    if (peer === undefined) throw new Error("Attempting to use a disconnected port object");
    const text = JSON.stringify(message);
    assert.deepEqual(JSON.parse(text), message);
    setTimeout(() => { if (peer.peer === this) for (const listener of peer.#messages) listener(JSON.parse(text), peer); }, 0);
  }

  /** The other end alone hears of it. */
  disconnect(): void {
    const { peer } = this;
    this.peer = undefined;
    if (peer === undefined) return;
    peer.peer = undefined;
    for (const listener of peer.#ends) listener();
  }
}

/** The script's end of a port is given to what `onConnect` was given; the browser starts the script where it does not run. */
export class FakeExtension {
  readonly pages: Port[] = [];
  readonly ports: Port[] = [];
  /** Calls of the extension's API that keep its service worker. */
  calls = 0;
  documents = 0;
  readonly #script: () => ((port: Port) => void) | undefined;
  #onConnect: ((port: Port) => void) | undefined;
  #lastError: { readonly message: string } | undefined;

  /** script: gives what listens to new ports. offscreen: it runs in a document that has to be opened. */
  constructor(script: () => ((port: Port) => void) | undefined, { offscreen = false } = {}) {
    this.#script = script;
    let held: Promise<unknown> = Promise.resolve();
    const request = (_: string, work: () => Promise<void>): Promise<unknown> => held = held.then(work, work);
    Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
    const getLastError = (): unknown => this.#lastError;
    Object.assign(globalThis, {
      chrome: {
        runtime: {
          connect: ({ name }: { name: string }) => this.#connect(name, offscreen),
          get lastError() { return getLastError(); },
          getPlatformInfo: async () => { this.calls++; },
        },
        ...(offscreen && {
          offscreen: {
            hasDocument: async () => this.#onConnect !== undefined,
            createDocument: async ({ url }: { url: string }) => {
              if (url !== "engine.html") throw new Error("Page failed to load.");
              assert.equal(this.#onConnect, undefined, "Only a single offscreen document may be created.");
              await new Promise((resolve) => { setTimeout(resolve, 5); });
              this.documents++;
              this.#onConnect = this.#script();
            },
          },
        }),
      },
    });
  }

  /** As the browser does with a service worker that hears nothing. */
  stop(): void {
    this.#onConnect = undefined;
    for (const port of this.ports) port.disconnect();
  }

  #connect(name: string, isOffscreen: boolean): Port {
    assert.equal(name, "web_llm_service_worker");
    const [ours, theirs] = Port.pair();
    this.pages.push(ours);
    if (!isOffscreen) this.#onConnect ??= this.#script();
    if (this.#onConnect === undefined) {
      setTimeout(() => {
        this.#lastError = { message: "Could not establish connection. Receiving end does not exist." };
        theirs.disconnect();
        this.#lastError = undefined;
      }, 0);
    } else {
      this.ports.push(theirs);
      this.#onConnect(theirs);
    }
    return ours;
  }
}
