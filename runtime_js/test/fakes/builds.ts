/** A browser with the pages and service workers of one site, of which builds are deployed one after another. */

export const SCOPE = "https://site.example/chat/";

/** A window. One that is on its way has an answer, but is seen by nobody; `get` waits for what becomes of it. */
export class FakeWindow {
  #settle: () => void = () => undefined;
  readonly #settled = new Promise<void>((resolve) => { this.#settle = resolve; });
  state: "coming" | "open" | "closed" = "coming";

  constructor(readonly id: string, readonly url: string) {}

  become(state: "open" | "closed"): void {
    this.state = state;
    this.#settle();
  }

  async found(): Promise<this | undefined> {
    await this.#settled;
    return this.state === "open" ? this : undefined;
  }
}

class FakeCache {
  readonly entries = new Map<string, Response>();

  put = async (url: string, response: Response): Promise<void> => void this.entries.set(url, response);
  delete = async (url: string): Promise<boolean> => this.entries.delete(url);
  keys = async (): Promise<object[]> => [...this.entries.keys()].map((url) => ({ url }));
}

type Listener = (event: object) => void;

export class FakeBuilds {
  readonly caches = new Map<string, FakeCache>();
  readonly windows = new Map<string, FakeWindow>();
  /** What the server has, by URL. */
  readonly server = new Map<string, string>();
  isRegistered = true;
  readonly registration = { scope: SCOPE, installing: null, waiting: null as string | null, unregister: async (): Promise<void> => { this.isRegistered = false; } };
  readonly #workers = new Map<string, Map<string, Listener>>();
  readonly #pending: Promise<unknown>[] = [];
  #lastWindow = 0;

  constructor() {
    Object.assign(globalThis, { caches: this.#storage(), fetch: this.#fetch });
  }

  #storage(): object {
    return {
      keys: async () => [...this.caches.keys()],
      open: async (name: string) => {
        const cache = this.caches.get(name) ?? new FakeCache();
        this.caches.set(name, cache);
        return cache;
      },
      match: async (url: string, { cacheName }: { cacheName: string }) => this.caches.get(cacheName)?.entries.get(url)?.clone(),
      delete: async (name: string) => this.caches.delete(name),
    };
  }

  readonly #fetch = async (asked: string | { readonly url: string }): Promise<Response> => {
    const body = this.server.get(typeof asked === "string" ? asked : asked.url);
    return new Response(body ?? "not here", { status: body === undefined ? 404 : 200 });
  };

  /** The worker of a build, whose script `start` is. */
  run(build: string, start: () => void): void {
    const listeners = new Map<string, Listener>();
    this.#workers.set(build, listeners);
    Object.assign(globalThis, {
      self: {
        registration: this.registration,
        location: { href: `${SCOPE}sw.js` },
        navigator: { languages: ["en"] },
        clients: {
          matchAll: async () => [...this.windows.values()].filter(({ state }) => state === "open"),
          get: (id: string) => this.windows.get(id)?.found() ?? Promise.resolve(undefined),
          claim: async () => undefined,
        },
        addEventListener: (type: string, listener: Listener) => listeners.set(type, listener),
        skipWaiting: async () => undefined,
      },
    });
    start();
  }

  /** An event of a worker, and all that it waits for. */
  async #event(build: string, type: string, fields: object = {}): Promise<Response | undefined> {
    let response: Promise<Response> | undefined;
    const work: Promise<unknown>[] = [];
    this.#workers.get(build)?.get(type)?.({
      ...fields, waitUntil: (promise: Promise<unknown>) => void work.push(promise), respondWith: (promise: Promise<Response>) => { response = promise; },
    });
    if (type === "install" || type === "activate") await Promise.all(work);
    else this.#pending.push(...work);
    return response;
  }

  async install(build: string): Promise<void> {
    await this.#event(build, "install");
    this.registration.waiting = build;
  }

  async activate(build: string): Promise<void> {
    this.registration.waiting = null;
    await this.#event(build, "activate");
  }

  /** Waits for what the workers have begun. What waits for a page on its way ends with that. */
  async rest(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
  }

  /** A window that a build's worker answers, on its way. */
  async navigate(build: string, url = SCOPE): Promise<[FakeWindow, string]> {
    const window = new FakeWindow(`window-${++this.#lastWindow}`, url);
    this.windows.set(window.id, window);
    const response = await this.#event(build, "fetch", { request: { url, method: "GET", mode: "navigate", headers: new Headers() }, resultingClientId: window.id });
    return [window, await response?.text() ?? ""];
  }

  /** A window that came from the network. */
  openUnseen(url = SCOPE): FakeWindow {
    const window = new FakeWindow(`window-${++this.#lastWindow}`, url);
    this.windows.set(window.id, window);
    window.become("open");
    return window;
  }

  /** What a page is told that asks for a file: its status and text. */
  async ask(build: string, path: string): Promise<[number, string]> {
    const request = { url: SCOPE + path, method: "GET", mode: "cors", cache: "default", headers: new Headers() };
    const response = await (this.#event(build, "fetch", { request, resultingClientId: "" }));
    return response === undefined ? [0, ""] : [response.status, await response.text()];
  }
}
