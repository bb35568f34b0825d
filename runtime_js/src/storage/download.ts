/** Fetches one file within a byte bound: goes on where a connection broke, at another place where one fails, and waits where waiting helps. */

import type { Wait } from "../support/waiting.ts";
import { childController } from "../support/abort.ts";
import { AbortError, DownloadError, MLCEngineError } from "../support/errors.ts";
import type { Draft } from "./draft.ts";
import { isOffline, pause, untilOnline } from "./pause.ts";
import { Received, type Receiving } from "./received.ts";
import { Retryable, bodyBegin, checkBegin, endedEarly, exactSize } from "./response.ts";
import type { Urls } from "./source.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A connection that gives nothing for so long is given up. */
const STALL_MS = 30_000;
/** The same where another place may give more. */
const IMPATIENT_STALL_MS = 10_000;

export interface DownloadOptions extends Receiving {
  readonly signal: AbortSignal;
  /** How the first attempt uses the HTTP cache; further ones ask the network. */
  readonly cache: "default" | "no-store" | "reload";
  /** Called with the reason while nothing comes. */
  readonly onWait?: ((reason: Wait) => void) | undefined;
  /** Called with an address that failed, where another one is asked now. */
  readonly onFailed?: ((url: string) => void) | undefined;
}

/** One of a file's addresses. */
interface Place {
  readonly url: string;
  /** In a row, without a byte that is new. */
  failures: number;
  /** Names the version that the bytes are of, for `If-Range`. */
  validator: string | undefined;
}

/** A strong validator of a response, if the browser shows one and a request may carry it: across origins it would need a preflight. */
function validatorOf({ headers, type }: Response): string | undefined {
  const etag = headers.get("etag");
  if (type === "cors") return undefined;
  return etag !== null && !etag.startsWith("W/") ? etag : headers.get("last-modified") ?? undefined;
}

/** Adds the body of a response to what has come. from: the byte that was asked for. alive: called when bytes come. */
async function readBody(
  response: Response, place: Place, from: number, received: Received, options: DownloadOptions, alive: () => void,
): Promise<void> {
  const { url } = place;
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
      place.validator = validatorOf(response);
      isFirst = false;
    }
    received.append(value, url);
  }
  if (exact !== undefined && received.length < exact) throw endedEarly(response, url, received.length, exact);
}

/** One request. `ranged`: asks for what is missing only. patience: milliseconds of silence. */
async function attempt(
  place: Place, received: Received, options: DownloadOptions, cache: RequestCache, ranged: boolean, patience: number,
): Promise<void> {
  const { url, validator } = place;
  const connection = childController(options.signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => connection.abort(), patience);
  };
  alive();
  try {
    const headers = ranged ? { Range: `bytes=${received.length}-`, ...(validator !== undefined && { "If-Range": validator }) } : {};
    const response = await fetch(url, { signal: connection.signal, cache: ranged ? "no-store" : cache, headers, referrerPolicy: "no-referrer" });
    alive();
    await readBody(response, place, ranged ? received.length : 0, received, options, alive);
  } catch (error) {
    if (options.signal.aborted) throw new AbortError("The download was stopped.");
    if (error instanceof Retryable || error instanceof MLCEngineError) throw error;
    const isSilent = connection.signal.aborted;
    throw new Retryable(new DownloadError(isSilent
      ? `${url} could not be fetched: the server sent nothing for ${patience / 1000} seconds. Check the connection.`
      : `${url} could not be fetched (${String(error)}). Check the connection; a file on another site needs CORS headers.`, { url }, error),
    undefined, undefined, isSilent);
  } finally {
    clearTimeout(timer);
    connection.abort(); // a body that nobody reads on
    received.save();
  }
}

/** The first of those that failed least. */
function bestOf([first, ...others]: readonly [Place, ...Place[]]): Place {
  return others.reduce((best, place) => (place.failures < best.failures ? place : best), first);
}

/**
 * Broken and silent connections, truncation and a busy server are tried again, with growing pauses and only for what is missing, as long as
 * bytes come; without a network it waits for one. A place that gives none gives way to the next, and is left out where it has another
 * thing than the file. Raises as `download` does.
 */
async function receive(urls: Urls, received: Received, options: DownloadOptions): Promise<void> {
  const [firstUrl, ...otherUrls] = urls;
  const open = (url: string): Place => ({ url, failures: 0, validator: undefined });
  let places: [Place, ...Place[]] = [open(firstUrl), ...otherUrls.map(open)];
  let place: Place = places[0];
  let cache: RequestCache = options.cache;
  if (received.length > 0) options.onProgress?.(received.length);
  while (!received.isWhole) {
    const before = received.most;
    // A host on another origin may refuse ranges by refusing the request: every third is for the whole file.
    const ranged = received.length > 0 && place.failures % 3 !== 2 && exactSize(options.size) !== undefined;
    const current = place;
    const hasBetter = places.some((other) => other !== current && other.failures <= current.failures);
    try {
      await attempt(place, received, options, cache, ranged, hasBetter ? IMPATIENT_STALL_MS : STALL_MS);
      return;
    } catch (thrown) {
      if (thrown instanceof AbortError) throw thrown;
      if (received.isLost) return;
      cache = "reload";
      if (thrown instanceof Retryable && isOffline()) {
        options.onWait?.({ kind: "network", text: "Waiting for the network" });
        await untilOnline(options.signal);
        continue;
      }
      const hasProgress = received.most > before;
      current.failures = hasProgress ? 1 : current.failures + 1;
      if (!(thrown instanceof Retryable) || current.failures >= thrown.attempts) {
        const [next, ...others] = places.filter((other) => other !== current);
        if (next === undefined) throw thrown instanceof Retryable ? thrown.error : thrown;
        places = [next, ...others];
      }
      if (!places.includes(current) || !hasProgress || thrown instanceof Retryable && thrown.isSilent) place = bestOf(places);
      if (place !== current) options.onFailed?.(current.url);
      if (!(thrown instanceof Retryable) || place.failures === 0) continue;
      const wait = thrown.pause ?? Math.min(FIRST_PAUSE_MS * 2 ** (place.failures - 1), LONGEST_PAUSE_MS);
      const text = `The download was interrupted; trying again in ${Math.ceil(wait / 1000)} s: ${thrown.error.message}`;
      if (wait > 0) options.onWait?.({ kind: "retry", text });
      await pause(wait, options.signal);
    }
  }
}

/** The bytes of a file. Raises DownloadError, IntegrityError (wrong length) or AbortError. */
export async function download(urls: Urls, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const received = new Received(options, true);
  await receive(urls, received, options);
  return received.bytes;
}

/** Brings a file into its draft, piece by piece: nothing of it stays in memory. Raises as `download` does. */
export async function downloadInto(draft: Draft, urls: Urls, options: DownloadOptions): Promise<void> {
  await receive(urls, new Received({ ...options, draft }, false), { ...options, draft });
}
