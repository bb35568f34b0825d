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

/** A file that one writer may have open, or several readers. */
export class FakeFile {
  bytes = new Uint8Array(0);
  readonly #storage: FakeStorage;
  #open = 0;

  constructor(storage: FakeStorage) {
    this.#storage = storage;
  }

  #write(bytes: Uint8Array): void {
    if (this.#storage.quotaExceeded) throw new DOMException("full", "QuotaExceededError");
    this.bytes = bytes.slice();
  }

  readonly getFile = async (): Promise<Blob> => new Blob([this.bytes]);

  readonly createWritable = async (): Promise<object> => ({
    write: async (bytes: Uint8Array) => this.#write(bytes), close: async () => undefined,
  });

  /** What only dedicated workers have. */
  readonly createSyncAccessHandle = async ({ mode = "" } = {}): Promise<object> => {
    if (this.#open > 0 || this.#storage.locked) throw new DOMException("open elsewhere", "NoModificationAllowedError");
    this.#open++;
    return {
      getSize: () => this.bytes.length,
      read: (into: Uint8Array, { at }: { at: number }) => {
        into.set(this.bytes.subarray(at, at + into.length));
        return Math.min(into.length, this.bytes.length - at);
      },
      truncate: (size: number) => {
        if (mode === "read-only") throw new DOMException("read-only", "NoModificationAllowedError");
        this.bytes = this.bytes.slice(0, size);
      },
      write: (bytes: Uint8Array) => {
        this.#write(bytes);
        return bytes.length;
      },
      close: () => { this.#open--; },
    };
  };
}

/** The origin's private file system, as a dedicated worker sees it or, with `asynchronous`, as any other context does. */
export class FakeStorage {
  readonly folders = new Map<string, Map<string, FakeFile>>();
  quotaExceeded = false;
  /** Another page has every file open. */
  locked = false;
  asynchronous = false;

  readonly getDirectory = async (): Promise<object> => ({ getDirectoryHandle: this.#models });

  readonly #models = async (root: string, { create = false } = {}): Promise<object> => {
    if (root !== "webllm-build") throw new Error(`somebody else's folder ${root}`);
    if (!create && this.folders.size === 0) throw missing();
    return {
      getDirectoryHandle: async (name: string, options = { create: false }): Promise<object> => {
        const files = this.folders.get(name) ?? new Map<string, FakeFile>();
        if (!this.folders.has(name) && !options.create) throw missing();
        this.folders.set(name, files);
        return this.#folder(files);
      },
      removeEntry: async (name: string): Promise<void> => {
        if (this.locked) throw new DOMException("open elsewhere", "NoModificationAllowedError");
        if (!this.folders.delete(name)) throw missing();
      },
    };
  };

  #folder(files: Map<string, FakeFile>): object {
    return {
      getFileHandle: async (name: string, { create = false } = {}): Promise<object> => {
        const file = files.get(name) ?? new FakeFile(this);
        if (!files.has(name) && !create) throw missing();
        files.set(name, file);
        const { getFile, createWritable, createSyncAccessHandle } = file;
        return this.asynchronous ? { getFile, createWritable } : { getFile, createSyncAccessHandle };
      },
      removeEntry: async (name: string): Promise<void> => {
        if (!files.delete(name)) throw missing();
      },
      keys: async function* (): AsyncGenerator<string> {
        yield* files.keys();
      },
    };
  }
}

function missing(): DOMException {
  return new DOMException("there is none", "NotFoundError");
}

/** A dedicated worker whose script is a function from a message to replies. */
export class FakeWorker {
  static script: (data: unknown, worker: FakeWorker) => void = () => undefined;
  static readonly started: FakeWorker[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  terminated = false;

  constructor() {
    FakeWorker.started.push(this);
  }

  postMessage(data: unknown): void {
    queueMicrotask(() => FakeWorker.script(data, this));
  }

  reply(data: unknown): void {
    if (!this.terminated) this.onmessage?.({ data });
  }

  terminate(): void {
    this.terminated = true;
  }
}
