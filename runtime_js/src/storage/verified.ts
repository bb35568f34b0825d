/** One file's bytes, verified: from storage where they are, else from the network. */

import { IntegrityError } from "../support/errors.ts";
import { download, sha256 } from "./download.ts";
import type { FileEntry } from "./manifest.ts";
import type { ModelStore } from "./store.ts";

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Called with how many of the file's bytes have come. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Memory for the bytes, if they fit. */
  readonly into?: ArrayBuffer | undefined;
}

/**
 * A copy in storage that does not match is deleted and fetched; so is a bad download, once.
 * Raises IntegrityError, DownloadError or AbortError.
 */
export async function readVerified(
  store: ModelStore, { file, bytes: size, sha256: digest }: FileEntry, url: string, { signal, onProgress, into }: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const stored = await store.read(file, size, into);
  if (stored !== null && await sha256(stored) === digest) {
    onProgress?.(size);
    return stored;
  }
  await store.delete(file);
  // What is stored here need not lie in the HTTP cache as well.
  const first = store.warning === undefined ? "no-store" : "default";
  for (const cache of [first, "reload"] as const) {
    const bytes = await download(url, { size: { exactly: size }, signal, cache, onProgress, into });
    if (await sha256(bytes) === digest) {
      await store.write(file, bytes);
      return bytes;
    }
  }
  throw new IntegrityError(`${url} is corrupted: its sha256 is not the one in the manifest. Deploy the model folder again.`, { url });
}
