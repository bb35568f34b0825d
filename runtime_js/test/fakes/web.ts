/** A server and the browser's storage, in memory. */

/** A request as the server sees it. */
export interface FakeRequest {
  readonly url: string;
  readonly cache: string;
  readonly method: string;
  readonly referrerPolicy: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly signal: AbortSignal | undefined;
}

type Answer = (request: FakeRequest, bytes: Uint8Array<ArrayBuffer>) => Response;

export class FakeServer {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** What goes wrong with the next requests of a URL: an HTTP status or the network. */
  readonly failures = new Map<string, (number | "network")[]>();
  /** How the next requests of a URL are answered instead. */
  readonly answers = new Map<string, Answer[]>();
  readonly requests: FakeRequest[] = [];
  /** Whether it knows ranges; its files then have an ETag. */
  ranges = true;
  onRequest: (url: string, count: number) => void = () => undefined;

  readonly fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    const request = {
      url, cache: init.cache ?? "default", method: init.method ?? "GET", referrerPolicy: init.referrerPolicy ?? "",
      range: headers.get("range") ?? undefined, ifRange: headers.get("if-range") ?? undefined, signal: init.signal ?? undefined,
    };
    this.requests.push(request);
    this.onRequest(url, this.requests.filter((other) => other.url === url).length);
    init.signal?.throwIfAborted();
    const failure = this.failures.get(url)?.shift();
    if (failure === "network") throw new TypeError("Failed to fetch");
    const bytes = this.files.get(url);
    if (failure !== undefined || bytes === undefined) return new Response("", { status: failure ?? 404 });
    return this.answers.get(url)?.shift()?.(request, bytes) ?? this.#answer(request, bytes);
  };

  #answer({ range, ifRange, signal }: FakeRequest, bytes: Uint8Array<ArrayBuffer>): Response {
    if (!this.ranges) return new Response(stream(bytes, signal));
    const etag = etagOf(bytes);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return new Response(stream(bytes, signal), { headers: { etag } });
    if (from >= bytes.length) return new Response("", { status: 416, headers: { "content-range": `bytes */${bytes.length}` } });
    return new Response(stream(bytes.subarray(from), signal), {
      status: 206, headers: { etag, "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` },
    });
  }
}

function etagOf(bytes: Uint8Array): string {
  return `"${bytes.length}-${bytes.subarray(0, 64).join("")}"`;
}

/** The body of a response. end: what comes after the bytes. */
export function stream(
  bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal | undefined, end: "end" | "break" | "silence" = "end",
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    start(controller) {
      signal?.addEventListener("abort", () => {
        try {
          controller.error(signal.reason);
        } catch {
          // it has ended
        }
      });
    },
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += 1 << 20));
      else if (end === "break") controller.error(new TypeError("network error"));
      else if (end === "end") controller.close();
      else return new Promise(() => undefined);
      return undefined;
    },
  });
}

/** The first `length` bytes of what is asked for, then a broken connection or silence. */
export function cut(length: number, end: "break" | "silence"): Answer {
  return ({ range, signal }, bytes) => {
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const headers = { etag: etagOf(bytes), "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    return new Response(stream(bytes.slice(from, from + length), signal, end), { status: from > 0 ? 206 : 200, headers });
  };
}

/** Of a file: gone with what it held. */
function blobOf(bytes: () => Uint8Array<ArrayBuffer>): object {
  return {
    arrayBuffer: async () => bytes().slice().buffer,
    slice: (begin: number, end: number) => ({ arrayBuffer: async () => bytes().slice(begin, end).buffer }),
  };
}

/** A file that one writer may have open, or several readers. */
export class FakeFile {
  readonly #storage: FakeStorage;
  #buffer = new Uint8Array(0);
  #length = 0;
  #open = 0;
  #modified = 0;

  constructor(storage: FakeStorage) {
    this.#storage = storage;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  set bytes(bytes: Uint8Array<ArrayBuffer>) {
    this.#buffer = bytes;
    this.#length = bytes.length;
  }

  get isOpen(): boolean {
    return this.#open > 0;
  }

  /** Whoever had it open is gone. */
  release(): void {
    this.#open = 0;
  }

  #write(bytes: Uint8Array, at: number): void {
    if (this.#storage.quotaExceeded || at + bytes.length > this.#storage.largest) throw new DOMException("full", "QuotaExceededError");
    const kept = this.#storage.writing(bytes);
    const end = at + kept.length;
    this.#modified = ++this.#storage.writes;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(kept, at);
    this.#length = Math.max(this.#length, end);
    if (kept.length < bytes.length) throw new Error("the thread ends in the middle of a write");
  }

  readonly getFile = async (): Promise<object> => {
    await this.#storage.answer("getFile");
    return { size: this.#length, lastModified: this.#modified, ...blobOf(() => this.bytes) };
  };

  /** The file has what is written when the stream is closed, all or nothing. */
  readonly createWritable = async (): Promise<object> => {
    await this.#storage.answer("createWritable");
    const written = new FakeFile(this.#storage);
    return {
      write: async (bytes: Uint8Array) => {
        await this.#storage.answer("write");
        written.#write(bytes, 0);
      },
      close: async () => {
        await this.#storage.answer("close");
        [this.bytes, this.#modified] = [written.bytes, written.#modified];
      },
    };
  };

  /** What only dedicated workers have. */
  readonly createSyncAccessHandle = async ({ mode = "" } = {}): Promise<object> => {
    await this.#storage.answer("createSyncAccessHandle");
    if (this.#open > 0 || this.#storage.locked) throw new DOMException("open elsewhere", "NoModificationAllowedError");
    this.#open++;
    await this.#storage.answer("opened");
    return {
      getSize: () => this.bytes.length,
      read: (into: Uint8Array, { at }: { at: number }) => {
        into.set(this.bytes.subarray(at, at + into.length));
        return Math.max(0, Math.min(into.length, this.bytes.length - at));
      },
      flush: () => undefined,
      truncate: (size: number) => {
        if (mode === "read-only") throw new DOMException("read-only", "NoModificationAllowedError");
        this.#storage.writing(new Uint8Array(0));
        this.bytes = this.bytes.slice(0, size);
      },
      write: (bytes: Uint8Array, { at }: { at: number }) => {
        const taken = this.#storage.takesHalf ? bytes.subarray(0, bytes.length >> 1) : bytes;
        this.#write(taken, at);
        return taken.length;
      },
      close: () => { this.#open--; },
    };
  };
}

/** The origin's private file system, as a dedicated worker sees it or, with `asynchronous`, as any other context does. */
export class FakeStorage {
  readonly folders = new Map<string, Map<string, FakeFile>>();
  quotaExceeded = false;
  /** It writes a half of what it is given, and says so. */
  takesHalf = false;
  writes = 0;
  /** Another page has every file open. */
  locked = false;
  asynchronous = false;
  /** As in Safari before version 26, where only workers write. */
  readOnly = false;
  /** Whether files can be moved, only seem so, or know no such method. */
  movable: boolean | "refused" = true;
  /** What is asked for and never answered. */
  silent: "getFileHandle" | "createSyncAccessHandle" | "move" | "removeEntry" | "keys" | undefined;
  /** Bytes that a file may have. */
  largest = Infinity;

  /** What each thing that is asked for waits for. */
  step: (what: string) => Promise<void> = () => Promise.resolve();
  /** Of bytes that are to be written those that are; none may be to be written where a file is cut. May raise what a full disk does. */
  writing: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;

  readonly getDirectory = async (): Promise<object> => {
    await this.answer("getDirectory");
    return { getDirectoryHandle: this.#models };
  };

  readonly #models = async (root: string, { create = false } = {}): Promise<object> => {
    await this.answer("getDirectoryHandle");
    if (root !== "webllm-build") throw new Error(`somebody else's folder ${root}`);
    if (!create && this.folders.size === 0) throw missing();
    const { folders } = this;
    return {
      getDirectoryHandle: async (name: string, options = { create: false }): Promise<object> => {
        const files = this.folders.get(name) ?? new Map<string, FakeFile>();
        if (!this.folders.has(name) && !options.create) throw missing();
        this.folders.set(name, files);
        return this.#folder(files);
      },
      removeEntry: async (name: string): Promise<void> => {
        if ((this.folders.get(name)?.size ?? 0) > 0) throw new DOMException("it is not empty", "InvalidModificationError");
        if (!this.folders.delete(name)) throw missing();
      },
      keys: async function* (): AsyncGenerator<string> {
        yield* folders.keys();
      },
    };
  };

  /** For ever, where this is what is never answered. */
  readonly answer = async (what: string): Promise<void> => {
    if (this.silent === what) await new Promise(() => undefined);
    await this.step(what);
  };

  #folder(files: Map<string, FakeFile>): object {
    const { answer } = this;
    return {
      getFileHandle: async (name: string, { create = false } = {}): Promise<object> => {
        await this.answer("getFileHandle");
        const file = files.get(name) ?? new FakeFile(this);
        if (!files.has(name) && !create) throw missing();
        files.set(name, file);
        const { getFile, createWritable, createSyncAccessHandle } = file;
        const move = async (newName: string): Promise<void> => {
          await this.answer("move");
          if (this.movable === "refused") throw new TypeError("not here");
          if (file.isOpen || files.has(newName)) throw new DOMException("in use", "NoModificationAllowedError");
          files.delete(name);
          files.set(newName, file);
        };
        if (this.readOnly) return { getFile };
        if (this.asynchronous) return { getFile, createWritable };
        return { getFile, createSyncAccessHandle, ...(this.movable !== false && { move }) };
      },
      removeEntry: async (name: string): Promise<void> => {
        await this.answer("removeEntry");
        if (this.locked || files.get(name)?.isOpen === true) throw new DOMException("open elsewhere", "NoModificationAllowedError");
        if (!files.delete(name)) throw missing();
      },
      keys: async function* (): AsyncGenerator<string> {
        await answer("keys");
        yield* files.keys();
        yield "renamed.part"; // what another thread renames after it was named
      },
    };
  }
}

/** Web Locks of one origin. */
export class FakeLocks {
  readonly #held = new Map<string, Promise<unknown>>();

  readonly request = async (
    name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }, work: (lock: object | null) => Promise<unknown>,
  ): Promise<unknown> => {
    if (options.ifAvailable === true && this.#held.has(name)) return work(null);
    const aborted = new Promise<never>((_, reject) => options.signal?.addEventListener("abort", () => reject(options.signal?.reason)));
    while (this.#held.has(name)) await Promise.race([this.#held.get(name), aborted]);
    const working = work({ name });
    this.#held.set(name, working.catch(() => undefined).then(() => this.#held.delete(name)));
    return working;
  };
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
