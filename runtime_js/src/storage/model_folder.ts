/** A packaged model's files: from storage where they are, else from the network; verified either way before use. */

import { IntegrityError, ManifestError } from "../support/errors.ts";
import { MAX_MANIFEST_BYTES } from "../support/limits.generated.ts";
import { download, sha256 } from "./download.ts";
import { manifestFiles, parseManifest, type FileEntry, type Manifest } from "./manifest.ts";
import { freeBytes } from "./quota.ts";
import { ShardReader } from "./shard_reader.ts";
import { ModelStore } from "./store.ts";
import { readVerified } from "./verified.ts";

/** Shards that are read at a time, each by a thread of its own: as many as connections that browsers open to one HTTP/1.1 server. */
const MAX_READERS = 6;

/** Where a packaged model's files lie. URLs are absolute where a model is opened. */
export interface ModelSource {
  /** URL of the model folder's `manifest.<hash>.json`. */
  readonly manifest: string;
  /** Lower-case hex; checked before the manifest is used. */
  readonly manifest_sha256?: string | undefined;
  /** Manifest file name to URL, where a bundler gave the files of a package other URLs. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** URL of a folder that serves the weights; default: where the manifest says. */
  readonly weights?: string | undefined;
}

/** Called with the file and how many of its bytes have come. */
export type FileProgress = (file: FileEntry, bytes: number) => void;

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ManifestError(`${what} is not JSON (${String(error)}). Build or deploy the model folder again.`);
  }
}

/** The digest, or its beginning, that the manifest's bytes must have: from the source or from the file's name. */
function expectedDigest(source: ModelSource): string | undefined {
  return source.manifest_sha256 ?? /[.]([0-9a-f]{16})[.]json$/.exec(new URL(source.manifest).pathname)?.[1];
}

/** What the manifest is called in storage. */
function manifestName(source: ModelSource): string {
  return new URL(source.manifest).pathname.split("/").at(-1) || "manifest.json";
}

export class ModelFolder {
  readonly manifest: Manifest;
  readonly #source: ModelSource;
  readonly #store: ModelStore;

  private constructor(source: ModelSource, manifest: Manifest, store: ModelStore) {
    this.#source = source;
    this.manifest = manifest;
    this.#store = store;
  }

  /** Reads the manifest of a source. Raises ManifestError, IntegrityError or DownloadError. */
  static async open(source: ModelSource, signal: AbortSignal): Promise<ModelFolder> {
    const store = await ModelStore.open(source.manifest);
    const name = manifestName(source);
    const expected = expectedDigest(source);
    const matches = async (bytes: Uint8Array<ArrayBuffer>): Promise<boolean> =>
      expected === undefined || (await sha256(bytes)).startsWith(expected);
    const stored = expected === undefined ? null : await store.read(name);
    if (stored !== null && await matches(stored)) return new ModelFolder(source, parseManifest(parseJson(stored, source.manifest)), store);
    const bytes = await download(source.manifest, { size: { atMost: MAX_MANIFEST_BYTES }, signal, cache: "default" });
    if (!await matches(bytes)) {
      throw new IntegrityError(
        `${source.manifest} is not the manifest that was asked for: its sha256 differs. Deploy page and model together.`,
        { url: source.manifest });
    }
    const manifest = parseManifest(parseJson(bytes, source.manifest));
    const folder = new ModelFolder(source, manifest, store);
    await folder.#checkRoom();
    if (expected !== undefined) await store.write(name, bytes);
    return folder;
  }

  /** Why the model is not stored for the next visit, if it is not. */
  get warning(): string | undefined {
    return this.#store.warning;
  }

  async #checkRoom(): Promise<void> {
    const free = await freeBytes();
    if (free === undefined) return;
    const stored = await this.#store.names();
    const missing = manifestFiles(this.manifest).filter(({ file }) => !stored.has(file));
    const needed = missing.reduce((sum, file) => sum + file.bytes, 0);
    if (needed > free) {
      this.#store.stopStoring(`The model needs ${megabytes(needed)} of storage, the browser gives ${megabytes(free)}: it runs, but will be `
        + "downloaded again next time. Free some space to keep it.");
    }
  }

  /** Where a file is fetched. Weights may lie elsewhere than the rest: where the source says, else where the manifest does. */
  #url(file: FileEntry): string {
    const { manifest, files, weights } = this.#source;
    const isShard = this.manifest.weights.shards.includes(file);
    if (isShard && weights !== undefined) return new URL(file.file, weights).href;
    const base = isShard ? this.manifest.weights.base ?? "" : "";
    return files?.[file.file] ?? new URL(file.file, new URL(base, manifest)).href;
  }

  /** One file's verified bytes, read in this thread. */
  read(file: FileEntry, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return readVerified(this.#store, file, this.#url(file), { signal });
  }

  async readJson(file: FileEntry, signal: AbortSignal): Promise<unknown> {
    return parseJson(await this.read(file, signal), file.file);
  }

  /** A text kept with the model's files under a name; null where there is none. Nobody has verified it. */
  async note(name: string): Promise<string | null> {
    const bytes = await this.#store.read(await this.#noteFile(name));
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  /** Keeps a text where files are kept. It belongs to this model library: another one does not see it. */
  async keepNote(name: string, text: string): Promise<void> {
    await this.#store.write(await this.#noteFile(name), new TextEncoder().encode(text));
  }

  async #noteFile(name: string): Promise<string> {
    return `note.${await sha256(new TextEncoder().encode(`${this.manifest.library.file} ${name}`))}`;
  }

  /**
   * Reads all shards, several at a time, in any order. `use` gets each with its offset in the weight stream; the bytes are its own
   * until its promise resolves, and are then overwritten.
   */
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
      const reader = new ShardReader(this.#source.manifest, this.#store);
      let into: ArrayBuffer | undefined;
      try {
        for (const [i, shard] of queue) {
          const bytes = await reader.read(shard, this.#url(shard), { signal: stop, onProgress: (done) => onProgress(shard, done), into });
          await use(offsets[i] ?? 0, bytes);
          into = bytes.buffer;
        }
      } finally {
        reader.close();
      }
    };
    try {
      await Promise.all(Array.from({ length: readerCount(shards.length) }, work));
    } catch (error) {
      failed.abort(); // the others' reads
      throw error;
    }
  }
}

function readerCount(shards: number): number {
  return Math.min(shards, MAX_READERS, Math.max(2, navigator.hardwareConcurrency));
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** Whether the manifest and every file it names are stored: the model then loads without the network. */
export async function isStored(source: ModelSource): Promise<boolean> {
  const store = await ModelStore.open(source.manifest);
  const stored = await store.read(manifestName(source));
  if (stored === null) return false;
  const manifest = parseManifest(parseJson(stored, source.manifest));
  const names = await store.names();
  return manifestFiles(manifest).every(({ file }) => names.has(file));
}
