/** A packaged model's files: from storage where they are, else from the network; verified either way before use. */

import { resolveModel } from "../config.ts";
import { IntegrityError, ManifestError } from "../errors.ts";
import type { AppConfig, ModelRecord } from "../types.ts";
import { ModelCache, modelCacheName } from "./cache.ts";
import { download, sha256 } from "./download.ts";
import { manifestFiles, parseManifest, type FileEntry, type Manifest } from "./manifest.ts";
import { freeBytes } from "./quota.ts";

const MAX_MANIFEST_BYTES = 1 << 26;
const PARALLEL_DOWNLOADS = 4;

/** Called with the file and how many of its bytes have come. */
export type FileProgress = (file: FileEntry, bytes: number) => void;

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ManifestError(`${what} is not JSON (${String(error)}). Build or deploy the model folder again.`);
  }
}

/** The digest, or its beginning, that the manifest's bytes must have: from the record or from the file's name. */
function expectedDigest(record: ModelRecord): string | undefined {
  return record.manifest_sha256 ?? /[.]([0-9a-f]{16})[.]json$/.exec(new URL(record.manifest).pathname)?.[1];
}

export class ModelFolder {
  readonly manifest: Manifest;
  readonly #record: ModelRecord;
  readonly #cache: ModelCache;

  private constructor(record: ModelRecord, manifest: Manifest, cache: ModelCache) {
    this.#record = record;
    this.manifest = manifest;
    this.#cache = cache;
  }

  /** Reads the manifest of a resolved record. Raises ManifestError, IntegrityError or DownloadError. */
  static async open(record: ModelRecord, signal: AbortSignal): Promise<ModelFolder> {
    const cache = await ModelCache.open(record.manifest);
    const expected = expectedDigest(record);
    const matches = async (bytes: Uint8Array<ArrayBuffer>): Promise<boolean> =>
      expected === undefined || (await sha256(bytes)).startsWith(expected);
    const stored = expected === undefined ? null : await cache.get(record.manifest);
    if (stored !== null && await matches(stored)) return new ModelFolder(record, parseManifest(parseJson(stored, record.manifest)), cache);
    const bytes = await download(record.manifest, { size: { atMost: MAX_MANIFEST_BYTES }, signal });
    if (!await matches(bytes)) {
      throw new IntegrityError(
        `${record.manifest} is not the manifest that was asked for: its sha256 differs. Deploy page and model together.`,
        { url: record.manifest });
    }
    const manifest = parseManifest(parseJson(bytes, record.manifest));
    const folder = new ModelFolder(record, manifest, cache);
    await folder.#checkRoom();
    if (expected !== undefined) await cache.put(record.manifest, bytes);
    return folder;
  }

  /** Why the model is not stored for the next visit, if it is not. */
  get warning(): string | undefined {
    return this.#cache.warning;
  }

  async #checkRoom(): Promise<void> {
    const free = await freeBytes();
    if (free === undefined) return;
    const stored = await this.#cache.keys();
    const missing = manifestFiles(this.manifest).filter((file) => !stored.has(this.#key(file)));
    const needed = missing.reduce((sum, file) => sum + file.bytes, 0);
    if (needed > free) {
      this.#cache.stopStoring(`The model needs ${megabytes(needed)} of storage, the browser gives ${megabytes(free)}: it runs, but will be `
        + "downloaded again next time. Free some space to keep it.");
    }
  }

  #key(file: FileEntry): string {
    return new URL(file.file, this.#record.manifest).href;
  }

  /** Where a file is fetched. Weights may lie elsewhere than the rest: where the record says, else where the manifest does. */
  #url(file: FileEntry): string {
    const { manifest, files, weights } = this.#record;
    const isShard = this.manifest.weights.shards.includes(file);
    if (isShard && weights !== undefined) return new URL(file.file, weights).href;
    const base = isShard ? this.manifest.weights.base ?? "" : "";
    return files?.[file.file] ?? new URL(file.file, new URL(base, manifest)).href;
  }

  /** One file's verified bytes. A copy in storage that does not match is deleted and fetched; so is a bad download, once. */
  async read(file: FileEntry, signal: AbortSignal, onProgress?: FileProgress): Promise<Uint8Array<ArrayBuffer>> {
    const key = this.#key(file);
    const stored = await this.#cache.get(key);
    if (stored !== null) {
      if (stored.byteLength === file.bytes && await sha256(stored) === file.sha256) {
        onProgress?.(file, file.bytes);
        return stored;
      }
      await this.#cache.delete(key);
    }
    const url = this.#url(file);
    for (const fresh of [false, true]) {
      const bytes = await download(url, {
        size: { exactly: file.bytes }, signal, fresh, onProgress: (received) => onProgress?.(file, received),
      });
      if (await sha256(bytes) === file.sha256) {
        await this.#cache.put(key, bytes);
        return bytes;
      }
    }
    throw new IntegrityError(`${url} is corrupted: its sha256 is not the one in the manifest. Deploy the model folder again.`, { url });
  }

  async readJson(file: FileEntry, signal: AbortSignal): Promise<unknown> {
    return parseJson(await this.read(file, signal), file.file);
  }

  /** Reads all shards, several at a time, in any order; `use` gets each with its offset in the weight stream. */
  async readShards(
    signal: AbortSignal, onProgress: FileProgress, use: (offset: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const { shards } = this.manifest.weights;
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const queue = shards.entries();
    let offsetOf = 0;
    const offsets = shards.map((shard) => (offsetOf += shard.bytes) - shard.bytes);
    const work = async (): Promise<void> => {
      for (const [i, shard] of queue) {
        await use(offsets[i] ?? 0, await this.read(shard, stop, onProgress));
      }
    };
    try {
      await Promise.all(Array.from({ length: PARALLEL_DOWNLOADS }, work));
    } catch (error) {
      failed.abort(); // the others' downloads
      throw error;
    }
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** Whether the manifest and every file it names are stored: the model then loads without the network. */
export async function hasModelInCache(modelId: string, appConfig?: AppConfig): Promise<boolean> {
  const record = resolveModel(modelId, appConfig);
  const cache = await ModelCache.open(record.manifest);
  const stored = await cache.get(record.manifest);
  if (stored === null) return false;
  const manifest = parseManifest(parseJson(stored, record.manifest));
  const keys = await cache.keys();
  return manifestFiles(manifest).every((file) => keys.has(new URL(file.file, record.manifest).href));
}

/** Deletes all stored files of a model. */
export async function deleteModelInCache(modelId: string, appConfig?: AppConfig): Promise<void> {
  if (typeof caches !== "undefined") await caches.delete(modelCacheName(resolveModel(modelId, appConfig).manifest));
}
