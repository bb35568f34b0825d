/** A site with one service worker and its pages, in this thread. */

import { CONFIG, FakeEngine } from "./engine.ts";
import { FakeLocks } from "./locks.ts";
import { LOADER } from "../../src/api/local_host.ts";
import type { LoadListener, ModelChoice } from "../../src/engine/choice.ts";
import type { Session } from "../../src/engine/session.ts";

/** What engines that are made anywhere load, from now on. */
export class Models extends FakeEngine {
  constructor() {
    super(CONFIG);
    LOADER.open = (...call) => this.open(...call);
  }

  override open(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
    return super.open(choice, listener, signal).then((session) => {
      listener.progress({ progress: 1, timeElapsed: 1, text: "Ready", phase: "ready", bytesDone: 0, bytesTotal: 0 });
      return session;
    });
  }
}

interface Page {
  readonly id: string;
  readonly url?: string;
  postMessage(message: unknown, transfer?: MessagePort[]): void;
}

/** A page's request, whose answer is undefined where it is left to the network. */
class PageFetch extends Event {
  response: Promise<Response> | undefined;

  constructor(readonly request: Request) {
    super("fetch");
  }

  respondWith(response: Promise<Response>): void {
    this.response = response;
  }

  waitUntil(): void {}
}

class PageMessage extends Event {
  readonly work: Promise<unknown>[] = [];

  constructor(readonly data: unknown, readonly source: Page) {
    super("message");
  }

  waitUntil(work: Promise<unknown>): void {
    this.work.push(work);
  }
}

function later(work: () => void): void {
  setTimeout(work, 0);
}

export class FakeSite {
  readonly #script: () => void;
  readonly #pages = new Map<string, Page>();
  #listeners: ((event: Event) => void)[] = [];
  /** Counts how often the worker was started. */
  lives = 0;
  #isRunning = false;
  readonly #locks = new FakeLocks();

  /** script: the service worker's. */
  constructor(script: () => void) {
    this.#script = script;
    Object.assign(globalThis, {
      addEventListener: (type: string, listener: (event: Event) => void) => this.#listeners.push((event) => { if (event.type === type) listener(event); }),
      clients: { matchAll: async () => [...this.#pages.values()] },
      registration: { scope: "https://site.example/" },
    });
  }

  /** As a browser does when nothing was said for long. What the worker had begun is gone. */
  stop(): void {
    this.#isRunning = false;
    this.#listeners = [];
    this.#locks.kill(`life ${this.lives}`);
  }

  /** Opens a page: what is made from now on is made there. */
  open(id: string): void {
    const target = new EventTarget();
    const container = Object.assign(target, {
      ready: Promise.resolve({ active: { postMessage: (message: unknown) => this.#hear(id, structuredClone(message)) } }),
      controller: null,
      startMessages: () => undefined,
    });
    this.#pages.set(id, { id, url: `https://site.example/${id}`, postMessage: (data, ports = []) => target.dispatchEvent(new MessageEvent("message", { data, ports })) });
    Object.defineProperty(globalThis, "navigator", { value: { serviceWorker: container, locks: this.#locks.of(`page ${id}`) }, configurable: true });
  }

  close(id: string): void {
    this.#pages.delete(id);
    this.#locks.kill(`page ${id}`);
  }

  /** What runs in the service worker has its own locks, as in a browser. */
  #inWorker(work: () => void): void {
    const { navigator } = globalThis;
    Object.defineProperty(globalThis, "navigator", { value: { locks: this.#locks.of(`life ${this.lives}`) }, configurable: true });
    work();
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  }

  /** As a page's own `fetch`. */
  fetch(input: string, init?: RequestInit): Promise<Response> | undefined {
    this.#run();
    const event = new PageFetch(new Request(input, init));
    this.#inWorker(() => { for (const listener of this.#listeners) listener(event); });
    return event.response;
  }

  #run(): void {
    if (this.#isRunning) return;
    this.lives++;
    this.#isRunning = true;
    this.#inWorker(this.#script);
  }

  #hear(id: string, data: unknown): void {
    later(() => {
      this.#run();
      const life = this.lives;
      const postMessage = (message: unknown): void => {
        const copy: unknown = structuredClone(message);
        later(() => { if (this.#isRunning && this.lives === life) this.#pages.get(id)?.postMessage(copy); });
      };
      this.#inWorker(() => { for (const listener of this.#listeners) listener(new PageMessage(data, { id, postMessage })); });
    });
  }
}
