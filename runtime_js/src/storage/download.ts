/** Fetches one file within a byte bound, again where that may help. */

import { AbortError, DownloadError, IntegrityError, MLCEngineError } from "../support/errors.ts";
import { room } from "./store.ts";

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 500;

export interface DownloadOptions {
  /** The file's exact size, or the largest that is accepted. */
  readonly size: { readonly exactly: number } | { readonly atMost: number };
  readonly signal: AbortSignal;
  /** How the first attempt uses the HTTP cache; further ones ask the network. */
  readonly cache: "default" | "no-store" | "reload";
  /** Bytes received so far; starts over when the download does. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Memory for the bytes, if they fit. */
  readonly into?: ArrayBuffer | undefined;
}

/** An error after which another attempt makes sense. */
class Retryable {
  constructor(readonly error: MLCEngineError) {}
}

function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

async function readBody(response: Response, url: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const exact = "exactly" in options.size ? options.size.exactly : undefined;
  const limit = "exactly" in options.size ? options.size.exactly : options.size.atMost;
  if (response.body === null) throw new Retryable(new DownloadError(`${url} came without content.`, { url }));
  const reader = response.body.getReader();
  let bytes = room(exact ?? 1 << 16, options.into);
  let received = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const end = received + value.byteLength;
    if (end > limit) {
      await reader.cancel();
      throw new IntegrityError(`${url} is longer than the ${limit} bytes expected. Deploy the model folder again.`, { url });
    }
    if (end > bytes.length) {
      const larger = new Uint8Array(Math.min(limit, 2 * end));
      larger.set(bytes.subarray(0, received));
      bytes = larger;
    }
    bytes.set(value, received);
    received = end;
    options.onProgress?.(received);
  }
  if (exact !== undefined && received < exact) {
    throw new Retryable(new IntegrityError(
      `${url} is truncated: ${received} of ${exact} bytes came. Check the connection and load again.`, { url, received, expected: exact }));
  }
  return bytes.subarray(0, received);
}

async function attempt(url: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url, { signal: options.signal, cache: options.cache });
    if (response.ok) return await readBody(response, url, options);
    const status = response.status;
    const error = new DownloadError(status === 404 || status === 410
      ? `${url} is missing on the server (HTTP ${status}). Deploy the whole model folder, or correct the manifest's address.`
      : `${url} could not be fetched (HTTP ${status}).`, { url, status });
    throw isTransient(status) ? new Retryable(error) : error;
  } catch (error) {
    if (error instanceof Retryable || error instanceof MLCEngineError) throw error;
    if (options.signal.aborted) throw new AbortError("The download was stopped.");
    throw new Retryable(new DownloadError(
      `${url} could not be fetched (${String(error)}). Check the connection; a file on another site needs CORS headers.`, { url }, error));
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    signal.addEventListener("abort", finish);
  });
}

/**
 * The bytes of `url`. Network errors, truncation and a busy server are tried again, with growing pauses.
 * Raises DownloadError, IntegrityError (wrong length) or AbortError.
 */
export async function download(url: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt(url, tried === 1 ? options : { ...options, cache: "reload" });
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      if (tried === ATTEMPTS) throw error.error;
      await pause(FIRST_DELAY_MS * 2 ** (tried - 1), options.signal);
      if (options.signal.aborted) throw new AbortError("The download was stopped.");
    }
  }
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (typeof crypto === "undefined" || crypto.subtle === undefined) {
    throw new IntegrityError("Files cannot be verified here: open the page over https:// or on localhost.");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
