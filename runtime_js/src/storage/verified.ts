/** One file's bytes, verified: from storage where they are, else from the network. */

import { AbortError, IntegrityError } from "../support/errors.ts";
import { sha256 } from "../support/digest.ts";
import { download, downloadInto, type DownloadOptions } from "./download.ts";
import { isLocal, readLocal } from "./local_file.ts";
import { runExclusive, type Waiting } from "./locks.ts";
import type { FileEntry } from "./manifest.ts";
import type { Urls } from "./source.ts";
import type { ModelStore } from "./store.ts";

export interface ReadOptions extends Waiting, Pick<DownloadOptions, "onProgress" | "onFailed"> {
  /** Memory for the bytes, if they fit. */
  readonly into?: ArrayBuffer | undefined;
}

async function readStored(store: ModelStore, entry: FileEntry, into: ArrayBuffer | undefined): Promise<Uint8Array<ArrayBuffer> | null> {
  const stored = await store.read(entry.file, entry.bytes, into);
  return stored !== null && await sha256(stored) === entry.sha256 ? stored : null;
}

function corrupted(url: string): IntegrityError {
  return new IntegrityError(`${url} is corrupted: its sha256 is not the one in the manifest. Deploy the model folder again.`, { url });
}

/**
 * What several places gave may be wrong in any part, so that each is then asked for all of it, past all caches.
 * Raises IntegrityError, DownloadError or AbortError.
 */
async function fetchVerified(
  store: ModelStore, { file, bytes: size, sha256: digest }: FileEntry, urls: Urls, options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  let failure: unknown;
  for (const alone of [undefined, ...urls]) {
    const draft = await store.draft(file);
    // What is stored here need not lie in the HTTP cache as well.
    const cache = alone !== undefined ? "reload" : store.isStoring ? "no-store" : "default";
    try {
      const bytes = await download(alone === undefined ? urls : [alone], { ...options, size: { exactly: size }, cache, draft });
      if (await sha256(bytes) === digest) {
        await (draft === null ? store.write(file, bytes) : draft.finish(bytes));
        return bytes;
      }
      draft?.restart();
      failure = corrupted(alone ?? urls[0]);
      if (alone !== undefined) options.onFailed?.(alone);
    } catch (error) {
      if (alone === undefined || error instanceof AbortError) throw error;
      failure ??= error;
    } finally {
      draft?.close(); // what has come stays for the next visit
    }
  }
  throw failure;
}

async function readInPlace({ bytes: size, sha256: digest }: FileEntry, url: string, { into, onProgress }: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readLocal(url, { exactly: size }, into);
  if (await sha256(bytes) !== digest) throw corrupted(url);
  onProgress?.(size);
  return bytes;
}

/** Does `work` while no other tab is at this file. */
function exclusive<T>(store: ModelStore, { file }: FileEntry, options: Waiting, work: () => Promise<T>): Promise<T> {
  return store.isStoring ? runExclusive(store.lockName(file), options, () => store.draftSize(file), work) : work();
}

/**
 * Brings a file to storage where it can be written by pieces, so that it is in memory only while it is verified: `readVerified` does that.
 * Raises IntegrityError (wrong length), DownloadError or AbortError.
 */
export async function bringToStorage(store: ModelStore, entry: FileEntry, urls: Urls, options: ReadOptions): Promise<void> {
  if (isLocal(urls[0]) || !store.isStoring) return;
  await exclusive(store, entry, options, async () => {
    if ((await store.sizes()).get(entry.file) === entry.bytes) return; // another tab has brought it
    const draft = await store.draft(entry.file);
    if (draft === null) return;
    try {
      await downloadInto(draft, urls, { ...options, size: { exactly: entry.bytes }, cache: "no-store" });
    } finally {
      draft.close();
    }
  });
}

/**
 * What is a file of this machine is read where it is. A copy in storage that does not match is fetched again, as a bad download is, once from each
 * place; the good one takes its place. Raises IntegrityError, DownloadError or AbortError.
 */
export async function readVerified(
  store: ModelStore, entry: FileEntry, urls: Urls, options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isLocal(urls[0])) return readInPlace(entry, urls[0], options);
  const { onProgress, into } = options;
  const bytes = await readStored(store, entry, into) ?? await exclusive(store, entry, options, async () =>
    (store.isStoring ? await readStored(store, entry, into) : null) ?? fetchVerified(store, entry, urls, options));
  onProgress?.(entry.bytes);
  return bytes;
}
