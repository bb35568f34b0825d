/** One file's bytes, verified: from storage where they are, else from the network. */

import { IntegrityError } from "../support/errors.ts";
import { sha256 } from "./digest.ts";
import { download } from "./download.ts";
import { isLocal, readLocal } from "./local_file.ts";
import { runExclusive, type Waiting } from "./locks.ts";
import type { FileEntry } from "./manifest.ts";
import type { ModelStore } from "./store.ts";

export interface ReadOptions extends Waiting {
  /** Called with how many of the file's bytes have come. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
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

/** Raises IntegrityError, DownloadError or AbortError. */
async function fetchVerified(
  store: ModelStore, { file, bytes: size, sha256: digest }: FileEntry, url: string, options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  for (const isLast of [false, true]) {
    const draft = await store.draft(file);
    // What is stored here need not lie in the HTTP cache as well.
    const cache = isLast ? "reload" : store.isStoring ? "no-store" : "default";
    try {
      const bytes = await download(url, { ...options, size: { exactly: size }, cache, draft });
      if (await sha256(bytes) === digest) {
        await (draft === null ? store.write(file, bytes) : draft.finish(bytes));
        return bytes;
      }
      draft?.restart();
    } finally {
      draft?.close(); // what has come stays for the next visit
    }
  }
  throw corrupted(url);
}

async function readInPlace({ bytes: size, sha256: digest }: FileEntry, url: string, { into, onProgress }: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readLocal(url, { exactly: size }, into);
  if (await sha256(bytes) !== digest) throw corrupted(url);
  onProgress?.(size);
  return bytes;
}

/**
 * What is a file of this machine is read where it is. A copy in storage that does not match is fetched again, as a bad download is, once; the good one takes its place.
 * Raises IntegrityError, DownloadError or AbortError.
 */
export async function readVerified(
  store: ModelStore, entry: FileEntry, url: string, options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isLocal(url)) return readInPlace(entry, url, options);
  const { onProgress, into } = options;
  const stored = await readStored(store, entry, into);
  const fetched = (): Promise<Uint8Array<ArrayBuffer>> => fetchVerified(store, entry, url, options);
  const bytes = stored ?? await (store.isStoring
    ? runExclusive(store.lockName(entry.file), options, () => store.draftSize(entry.file), async () =>
      await readStored(store, entry, into) ?? fetched())
    : fetched());
  onProgress?.(entry.bytes);
  return bytes;
}
