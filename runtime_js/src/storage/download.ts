/** Fetches one file within a byte bound: goes on where a connection broke, and waits where waiting helps. */

import { childController } from "../support/abort.ts";
import { AbortError, DownloadError, MLCEngineError } from "../support/errors.ts";
import type { Size } from "../support/platform.ts";
import type { Draft } from "./draft.ts";
import { isOffline, pause, untilOnline } from "./pause.ts";
import { Retryable, bodyBegin, checkBegin, endedEarly, exactSize, tooLong } from "./response.ts";
import { allocate } from "./store.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A connection that gives nothing for so long is given up. */
const STALL_MS = 30_000;
const SAVE_STEP = 1 << 20; // bytes; a tab that is closed loses no more

export interface DownloadOptions {
  readonly size: Size;
  readonly signal: AbortSignal;
  /** How the first attempt uses the HTTP cache; further ones ask the network. */
  readonly cache: "default" | "no-store" | "reload";
  /** Bytes received so far; starts over when the download does. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Called with the reason while nothing comes. */
  readonly onWait?: ((reason: string) => void) | undefined;
  /** Memory for the bytes, if they fit. */
  readonly into?: ArrayBuffer | undefined;
  /** Keeps what comes; what it holds already is not fetched. */
  readonly draft?: Draft | null | undefined;
}

/** What has come of a file. */
class Received {
  readonly #url: string;
  readonly #options: DownloadOptions;
  #bytes: Uint8Array<ArrayBuffer>;
  #saved: number;
  length: number;
  /** The most that ever came: more than that is progress. */
  most: number;
  /** Names the version that the bytes are of, for `If-Range`. */
  validator: string | undefined;

  constructor(url: string, options: DownloadOptions) {
    this.#url = url;
    this.#options = options;
    const exact = exactSize(options.size);
    this.#bytes = allocate(exact ?? 1 << 16, options.into);
    this.length = this.#saved = this.most = exact === undefined ? 0 : options.draft?.read(this.#bytes) ?? 0;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  get isWhole(): boolean {
    return this.length === exactSize(this.#options.size);
  }

  restart(): void {
    this.length = this.#saved = 0;
    this.validator = undefined;
    this.#options.draft?.restart();
  }

  append(part: Uint8Array): void {
    const { size, onProgress } = this.#options;
    const limit = "exactly" in size ? size.exactly : size.atMost;
    const end = this.length + part.byteLength;
    if (end > limit) {
      this.restart();
      throw tooLong(this.#url, limit);
    }
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(limit, 2 * end));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.length);
    this.length = end;
    this.most = Math.max(this.most, end);
    if (end - this.#saved >= SAVE_STEP) this.save();
    onProgress?.(end);
  }

  save(): void {
    if (this.length > this.#saved) this.#options.draft?.write(this.#bytes.subarray(this.#saved, this.length), this.#saved);
    this.#saved = this.length;
  }
}

/** A strong validator of a response, if the browser shows one and a request may carry it: across origins it would need a preflight. */
function validatorOf({ headers, type }: Response): string | undefined {
  const etag = headers.get("etag");
  if (type === "cors") return undefined;
  return etag !== null && !etag.startsWith("W/") ? etag : headers.get("last-modified") ?? undefined;
}

/** Adds the body of a response to what has come. from: the byte that was asked for. alive: called when bytes come. */
async function readBody(
  response: Response, url: string, from: number, received: Received, options: DownloadOptions, alive: () => void,
): Promise<void> {
  const exact = exactSize(options.size);
  const begin = bodyBegin(response, url, from, options.size);
  if (begin === null) {
    received.restart();
    throw new Retryable(new DownloadError(`${url} cannot be continued.`, { url }), 0);
  }
  if (response.body === null) throw new Retryable(new DownloadError(`${url} came without content.`, { url }));
  const reader = response.body.getReader();
  for (let isFirst = begin === 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    alive();
    if (isFirst) {
      checkBegin(response, url, value, options.size);
      received.restart(); // not before it is clear that the file comes
      received.validator = validatorOf(response);
      isFirst = false;
    }
    received.append(value);
  }
  if (exact !== undefined && received.length < exact) throw endedEarly(response, url, received.length, exact);
}

/** One request. `ranged`: asks for what is missing only. */
async function attempt(url: string, received: Received, options: DownloadOptions, cache: RequestCache, ranged: boolean): Promise<void> {
  const connection = childController(options.signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => connection.abort(), STALL_MS);
  };
  alive();
  try {
    const { validator } = received;
    const headers = ranged ? { Range: `bytes=${received.length}-`, ...(validator !== undefined && { "If-Range": validator }) } : {};
    const response = await fetch(url, { signal: connection.signal, cache: ranged ? "no-store" : cache, headers, referrerPolicy: "no-referrer" });
    alive();
    await readBody(response, url, ranged ? received.length : 0, received, options, alive);
  } catch (error) {
    if (options.signal.aborted) throw new AbortError("The download was stopped.");
    if (error instanceof Retryable || error instanceof MLCEngineError) throw error;
    throw new Retryable(new DownloadError(connection.signal.aborted
      ? `${url} could not be fetched: the server sent nothing for ${STALL_MS / 1000} seconds. Check the connection.`
      : `${url} could not be fetched (${String(error)}). Check the connection; a file on another site needs CORS headers.`, { url }, error));
  } finally {
    clearTimeout(timer);
    connection.abort(); // a body that nobody reads on
    received.save();
  }
}

/**
 * The bytes of `url`. Broken and silent connections, truncation and a busy server are tried again, with growing pauses and only for what is
 * missing, as long as bytes come; without a network it waits for one. Raises DownloadError, IntegrityError (wrong length) or AbortError.
 */
export async function download(url: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const received = new Received(url, options);
  let cache: RequestCache = options.cache;
  let failures = 0;
  if (received.length > 0) options.onProgress?.(received.length);
  while (!received.isWhole) {
    const before = received.most;
    // A host on another origin may refuse ranges by refusing the request: every third is for the whole file.
    const ranged = received.length > 0 && failures % 3 !== 2 && exactSize(options.size) !== undefined;
    try {
      await attempt(url, received, options, cache, ranged);
      break;
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      cache = "reload";
      if (isOffline()) {
        options.onWait?.("Waiting for the network");
        await untilOnline(options.signal);
        continue;
      }
      failures = received.most > before ? 1 : failures + 1;
      if (failures === error.attempts) throw error.error;
      const wait = error.pause ?? Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
      if (wait > 0) options.onWait?.(`The download was interrupted; trying again in ${Math.ceil(wait / 1000)} s: ${error.error.message}`);
      await pause(wait, options.signal);
    }
  }
  return received.bytes;
}
