/** Reads what a server answered to a request for a file: which bytes come, or which error this is. */

import { DownloadError, IntegrityError, type MLCEngineError } from "../support/errors.ts";
import type { Size } from "../support/platform.ts";
import { retryAfter } from "./pause.ts";

const LFS_POINTER = "version https://git-lfs";
const PAGE = /^\s*<(!doctype|html|head|body|meta|script|\?xml|!--)/i;
const SNIFFED = 256; // bytes

/** Attempts in a row without a byte that is new. */
const ATTEMPTS = 6;
/** How long a server that says when to come again is asked again. */
const TOLD_MOST_MS = 300_000;
/** Of a part that is refused: the next attempt but one, at the latest, is for the whole file. */
const REFUSED_ATTEMPTS = 3;
/** Where a body ends early and no connection broke, the file itself may be short. */
const SHORT_ATTEMPTS = 4;

/** What failed may go well at another attempt. */
export class Retryable {
  /** pause: milliseconds until then, where that is known. isSilent: the connection gave nothing more. */
  constructor(readonly error: MLCEngineError, readonly pause?: number, readonly attempts = ATTEMPTS, readonly isSilent = false) {}
}

export function exactSize(size: Size): number | undefined {
  return "exactly" in size ? size.exactly : undefined;
}

/** A file that is there, but with another length than the manifest says. A cache on the way may be to blame: one more attempt asks past it. */
function wrongLength(url: string, actual: number, expected: number): Retryable {
  const how = actual < expected ? "is truncated on the server" : "is longer than the manifest says";
  return new Retryable(new IntegrityError(`${url} ${how}: ${actual} bytes instead of ${expected}. Deploy the model folder again.`,
    { url, received: actual, expected }), 0, 2);
}

/** A body that has not ended within the bound. */
export function tooLong(url: string, limit: number): Retryable {
  return new Retryable(
    new IntegrityError(`${url} is longer than the ${limit} bytes expected. Deploy the model folder again.`, { url }), 0, 2);
}

/**
 * Where in the file the body begins: `from`, which was asked for, or 0. Null where the bytes after `from` cannot be had and the
 * file must be asked for from its start. Raises Retryable or DownloadError.
 */
export function bodyBegin(response: Response, url: string, from: number, size: Size): number | null {
  const { status, headers } = response;
  const exact = exactSize(size);
  if (status === 206 || status === 416) {
    // Across origins these headers may be hidden: sha256 decides at the end.
    const range = headers.get("content-range");
    const [, first, total] = /^bytes (?:(\d+)-\d+|[*])[/](\d+|[*])$/i.exec(range ?? "") ?? [];
    if (from > 0 && exact !== undefined && total !== undefined && total !== "*" && Number(total) !== exact) {
      throw wrongLength(url, Number(total), exact);
    }
    const isHidden = from > 0 && range === null && response.type === "cors";
    const continues = status === 206 && !headers.has("content-encoding") && (isHidden || (first !== undefined && Number(first) === from));
    return continues ? from : null;
  }
  if (response.ok) return 0;
  if (status === 404 || status === 410) {
    throw new DownloadError(`${url} is missing on the server (HTTP ${status}). If this page was open while its site was updated, load it `
      + "again. If you deploy it, upload the whole model folder, or correct the manifest's address.", { url, status, reason: "missing" });
  }
  const error = new DownloadError(`${url} could not be fetched (HTTP ${status}).`, { url, status });
  const isTransient = status === 408 || status === 425 || status === 429 || status >= 500;
  if (!isTransient) throw from > 0 ? new Retryable(error, 0, REFUSED_ATTEMPTS) : error; // it may be the range that is refused
  const told = retryAfter(headers.get("retry-after"));
  throw new Retryable(error, told, told === undefined ? ATTEMPTS : Math.max(ATTEMPTS, Math.ceil(TOLD_MOST_MS / told)));
}

export function isPage(response: Response): boolean {
  return /^\s*text[/]html\b/i.test(response.headers.get("content-type") ?? "");
}

function sentPage(url: string): DownloadError {
  return new DownloadError(`${url}: the server sent a web page instead of this file. It is not deployed there or the address is wrong; `
    + "the sign-in page of a network does the same.", { url, reason: "page" });
}

/** Looks at the first bytes of a whole file. Raises DownloadError for what hosts send in a file's place, Retryable for another length. */
export function checkBegin(response: Response, url: string, begin: Uint8Array, size: Size): void {
  const text = new TextDecoder().decode(begin.subarray(0, SNIFFED)); // a byte order mark is dropped
  if (text.startsWith(LFS_POINTER)) {
    throw new DownloadError(`${url}: the server sent a Git LFS pointer instead of this file. Run "git lfs pull" before the upload, or serve `
      + "the weights from a host that resolves LFS.", { url, reason: "lfs-pointer" });
  }
  if (PAGE.test(text) || (isPage(response) && /^\s*</.test(text))) throw sentPage(url);
  const exact = exactSize(size);
  const declared = response.headers.get("content-length");
  // The length of a part, or of what is compressed, says nothing, and across origins that header is hidden.
  if (exact === undefined || declared === null || response.status === 206 || response.type === "cors" || response.headers.has("content-encoding")) return;
  if (Number(declared) !== exact) throw isPage(response) ? sentPage(url) : wrongLength(url, Number(declared), exact);
}

/** The error for a body that ended early without a broken connection. */
export function endedEarly(response: Response, url: string, received: number, expected: number): Retryable | DownloadError {
  if (isPage(response)) return sentPage(url);
  return new Retryable(new IntegrityError(
    `${url} is truncated: ${received} of ${expected} bytes came. Check the connection and load again.`, { url, received, expected }), undefined, SHORT_ATTEMPTS);
}
