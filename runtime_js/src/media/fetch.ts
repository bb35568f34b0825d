/** Pictures from their addresses. */

import { fromBase64 } from "../support/base64.ts";
import { DownloadError, RequestValidationError } from "../support/errors.ts";
import type { PictureData } from "./decode.ts";
import { isOnPage, type PictureSource } from "./source.ts";

/** Bytes of an encoded picture. */
export const MAX_PICTURE_BYTES = 1 << 28;
/** Characters of an address, where the picture is in it. */
export const MAX_ADDRESS = MAX_PICTURE_BYTES * 2;
/** Of an address in an error. */
const SHOWN = 80;

function shown(url: string): string {
  return url.length > SHOWN ? `${url.slice(0, SHOWN)}…` : url;
}

/** The bytes behind `data:`; no fetch, which a page's policy may forbid. Raises RequestValidationError. */
function fromDataUrl(url: string, path: string): Blob {
  const wrong = (what: string): RequestValidationError => (
    new RequestValidationError(`${path}: ${what}. Give the picture as data:image/png;base64,…, or as a Blob.`, { param: path }));
  const comma = url.indexOf(",");
  if (comma < 0) throw wrong("the data URL has no comma behind its type");
  const head = url.slice("data:".length, comma).trim();
  const type = head.split(";", 1)[0] ?? "";
  const [body = ""] = url.slice(comma + 1).split("#", 1);
  // Each escape is a byte, and other characters are of ASCII.
  const text = body.replace(/%([0-9a-f]{2})/gi, (_, byte: string) => String.fromCharCode(parseInt(byte, 16)));
  try {
    return new Blob([/;\s*base64$/i.test(head) ? fromBase64(text) : Uint8Array.from(text, (byte) => byte.charCodeAt(0))], { type });
  } catch {
    throw wrong("what is behind the data URL's comma is not base64");
  }
}

/**
 * The picture itself. Rejects with RequestValidationError or DownloadError, which name the part, and with what the signal aborts.
 */
export async function pictureData({ data, path }: PictureSource, signal?: AbortSignal): Promise<PictureData> {
  if (typeof data !== "string") return isOnPage(data) ? createImageBitmap(data) : data;
  if (/^data:/i.test(data)) return fromDataUrl(data, path);
  const failed = (what: string, cause?: unknown): DownloadError => (
    new DownloadError(`${path}: the picture at ${shown(data)} ${what}`, { url: shown(data), param: path }, cause));
  const response = await fetch(data, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw failed("could not be fetched: there is no connection, its server gives it to no other site (CORS), or this page's policy forbids it. "
      + "Give the picture itself, as a Blob or a data URL.", error);
  });
  if (!response.ok) throw failed(`could not be fetched: its server answers ${response.status}. Look at the address.`);
  return bounded(response, failed).catch((error: unknown) => {
    if (signal?.aborted === true || error instanceof DownloadError) throw error;
    throw failed("broke off before it was whole. Try again, or give the picture itself, as a Blob or a data URL.", error);
  });
}

/** A response that is longer is left in its middle. */
async function bounded(response: Response, failed: (what: string, cause?: unknown) => DownloadError): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    bytes += next.value.length;
    if (bytes > MAX_PICTURE_BYTES) {
      void reader?.cancel();
      throw failed(`is larger than ${MAX_PICTURE_BYTES >> 20} MiB. Give a smaller one.`);
    }
    parts.push(next.value);
  }
  return new Blob(parts, { type: response.headers.get("content-type")?.split(";", 1)[0] ?? "" });
}
