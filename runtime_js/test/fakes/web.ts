/** A server and the browser's storage, in memory. */

export class FakeServer {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** What goes wrong with the next requests of a URL: an HTTP status or the network. */
  readonly failures = new Map<string, (number | "network")[]>();
  readonly requests: { readonly url: string; readonly cache: string }[] = [];
  onRequest: (url: string, count: number) => void = () => undefined;

  readonly fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    this.requests.push({ url, cache: init.cache ?? "default" });
    this.onRequest(url, this.requests.filter((request) => request.url === url).length);
    init.signal?.throwIfAborted();
    const failure = this.failures.get(url)?.shift();
    if (failure === "network") throw new TypeError("Failed to fetch");
    const bytes = this.files.get(url);
    if (failure !== undefined || bytes === undefined) return new Response("", { status: failure ?? 404 });
    return new Response(new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 1 << 20) controller.enqueue(bytes.slice(at, at + (1 << 20)));
        init.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
        controller.close();
      },
    }));
  };
}

class FakeCache {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #owner: FakeCaches;

  constructor(owner: FakeCaches) {
    this.#owner = owner;
  }

  async match(key: string): Promise<Response | undefined> {
    const bytes = this.files.get(key);
    return bytes === undefined ? undefined : new Response(bytes);
  }

  async put(key: string, response: Response): Promise<void> {
    if (this.#owner.quotaExceeded) throw new DOMException("full", "QuotaExceededError");
    this.files.set(key, new Uint8Array(await response.arrayBuffer()));
  }

  async delete(key: string): Promise<boolean> {
    return this.files.delete(key);
  }

  async keys(): Promise<Request[]> {
    return [...this.files.keys()].map((key) => new Request(key));
  }
}

export class FakeCaches {
  readonly stores = new Map<string, FakeCache>();
  quotaExceeded = false;

  async open(name: string): Promise<FakeCache> {
    const store = this.stores.get(name) ?? new FakeCache(this);
    this.stores.set(name, store);
    return store;
  }

  async delete(name: string): Promise<boolean> {
    return this.stores.delete(name);
  }
}
