/** A packaged model's files: from storage where they are, else from the network; verified either way before use. */

import type { Wait } from "../support/waiting.ts";
import { childController } from "../support/abort.ts";
import { DownloadError, IntegrityError } from "../support/errors.ts";
import { formatBytes } from "../support/format.ts";
import { MAX_MANIFEST_BYTES } from "../support/limits.generated.ts";
import { threadCount } from "../support/thread.ts";
import { canHash, sha256 } from "../support/digest.ts";
import { download } from "./download.ts";
import { HeldBuffers } from "./held_buffers.ts";
import { Lanes } from "./lanes.ts";
import { isLocal, openLocal } from "./local_file.ts";
import { runExclusive } from "./locks.ts";
import { filesOfLoad, type FileEntry, type Manifest } from "./manifest.ts";
import { Places } from "./places.ts";
import { freeBytes } from "./quota.ts";
import { isReplaced } from "./replaced.ts";
import { ShardReader } from "./shard_reader.ts";
import { checkedManifest, fileUrls, isManifestOf, isPinned, manifestName, parseJson, type ModelSource, type Urls } from "./source.ts";
import { ModelStore } from "./store.ts";
import { hasFiles, localManifest, noteName, storedManifest, usedNote } from "./stored.ts";
import { readVerified, type ReadOptions } from "./verified.ts";
import { WeightRanges } from "./weight_ranges.ts";

/** Shards that are read at a time, each by a thread of its own: as many as connections that browsers open to one HTTP/1.1 server. */
const MAX_READERS = 6;
/** Shards that are in memory at a time while any are downloaded, which may take long. What comes by way of the storage is there for a moment. */
const HELD_BY_DOWNLOADS = 2;

/** Called with the file and how many of its bytes have come. */
export type FileProgress = (file: FileEntry, bytes: number) => void;

/** Called with the reason while nothing comes: a pause between attempts, no network, another tab that downloads. */
export type WaitListener = (reason: Wait) => void;

export class ModelFolder {
  readonly manifest: Manifest;
  readonly #source: ModelSource;
  readonly #store: ModelStore;
  readonly #onWait: WaitListener;
  readonly #places = new Places();

  private constructor(source: ModelSource, manifest: Manifest, store: ModelStore, onWait: WaitListener) {
    this.#source = source;
    this.manifest = manifest;
    this.#store = store;
    this.#onWait = onWait;
  }

  /** Reads the manifest of a source. Raises ManifestError, IntegrityError or DownloadError. */
  static async open(source: ModelSource, signal: AbortSignal, onWait: WaitListener = () => undefined): Promise<ModelFolder> {
    if (!canHash()) throw new IntegrityError("Files cannot be verified here: open the page over https:// or on localhost.");
    const store = await ModelStore.open(source.manifest);
    const make = (manifest: Manifest): ModelFolder => new ModelFolder(source, manifest, store, onWait);
    if (isLocal(source.manifest)) return make(await localManifest(source));
    const fromStorage = (): Promise<Manifest | null> => isPinned(source) ? storedManifest(store, source) : Promise.resolve(null);
    const stored = await fromStorage();
    if (stored !== null) return make(stored);
    return runExclusive(store.lockName(manifestName(source)), { signal, onWait }, async () => undefined, async () => {
      const another = await fromStorage();
      if (another !== null) return make(another);
      const fetched = (cache: "default" | "reload"): Promise<Uint8Array<ArrayBuffer>> =>
        download([source.manifest], { size: { atMost: MAX_MANIFEST_BYTES }, signal, cache, onWait });
      const first = await fetched("default");
      // What came wrong may lie in a cache: as of any file, another copy is asked for past all of them.
      const bytes = await isManifestOf(source, first) ? first : await fetched("reload");
      const folder = make(await checkedManifest(source, bytes));
      await folder.#checkRoom();
      if (isPinned(source)) await store.write(manifestName(source), bytes);
      return folder;
    });
  }

  /** The same folder as that of the model's tower; undefined where it has none. */
  get tower(): ModelFolder | undefined {
    return this.#part(this.manifest.vision?.tower);
  }

  /** The same folder as that of what hears; undefined where nothing does. */
  get conformer(): ModelFolder | undefined {
    return this.#part(this.manifest.audio?.conformer);
  }

  #part(manifest: Manifest | undefined): ModelFolder | undefined {
    return manifest && new ModelFolder(this.#source, manifest, this.#store, this.#onWait);
  }

  /** Whether a load needs no network. */
  isHere(): Promise<boolean> {
    return hasFiles(this.#store, this.#source, this.manifest);
  }

  /** Why the model is not stored for the next visit, if it is not. */
  get warning(): string | undefined {
    return this.#store.warning;
  }

  async #checkRoom(): Promise<void> {
    const free = await freeBytes();
    if (free === undefined) return;
    const sizes = await this.#store.sizes();
    const missing = [...filesOfLoad(this.manifest), this.manifest.library].filter(({ file, bytes }) => sizes.get(file) !== bytes);
    const needed = missing.reduce((sum, file) => sum + file.bytes, 0);
    if (needed > free) {
      this.#store.stopStoring(`The model needs ${formatBytes(needed)} of storage, and ${formatBytes(free)} are free: it runs, but will be `
        + "downloaded again next time. Free some space to keep it.");
    }
  }

  #urls(file: FileEntry): Urls {
    return this.#places.order(fileUrls(this.#source, this.manifest, file));
  }

  readonly #onFailed = (url: string): void => this.#places.failed(url);

  /** One file's verified bytes, read in this thread. */
  async read(file: FileEntry, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await readVerified(this.#store, file, this.#urls(file), { signal, onWait: this.#onWait, onFailed: this.#onFailed });
    } catch (error) {
      throw await this.#explained(error, signal);
    }
  }

  /** What the shards hold from byte `from` of the weight stream on, to be read by parts; until the signal is aborted. */
  ranges(from: number, signal: AbortSignal): WeightRanges {
    return new WeightRanges(this.manifest.weights.shards, from, signal, {
      open: (shard) => openLocal(this.#urls(shard)[0], shard.bytes) ?? this.#store.ranges(shard.file, shard.bytes),
      fetch: (shard) => this.read(shard, signal),
    });
  }

  /** Whether weights that are read by parts take no memory: their files stay where they are. */
  get isKept(): boolean {
    return this.#store.isStoring || isLocal(this.#source.manifest);
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

  /** Remembers that the model is used now, for whoever looks at what is stored. */
  async noteUse(): Promise<void> {
    if (isPinned(this.#source)) await this.#store.write(usedNote(manifestName(this.#source)), new TextEncoder().encode(new Date().toISOString()));
  }

  async #noteFile(name: string): Promise<string> {
    return noteName(await sha256(new TextEncoder().encode(`${this.manifest.library.file} ${name}`)));
  }

  /**
   * Reads all shards, several at a time, in any order. `use` gets each with its offset in the weight stream; the bytes are its own
   * until its promise resolves, and are then overwritten.
   */
  async readShards(
    signal: AbortSignal, onProgress: FileProgress, use: (offset: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const { shards } = this.manifest.weights;
    const failed = childController(signal);
    const stop = failed.signal;
    const readers = readerCount(shards.length);
    const lanes = new Lanes(readers);
    const sizes = await this.#store.sizes();
    const isHere = (shard: FileEntry): boolean => sizes.get(shard.file) === shard.bytes || isLocal(this.#urls(shard)[0]);
    const buffers = new HeldBuffers(shards.every(isHere) ? readers : this.#store.isStoring ? 1 : HELD_BY_DOWNLOADS);
    const queue = shards.entries();
    let offsetOf = 0;
    const offsets = shards.map((shard) => (offsetOf += shard.bytes) - shard.bytes);
    const work = async (): Promise<void> => {
      const reader = new ShardReader(this.#source.manifest, this.#store);
      const options = (shard: FileEntry, onBytes: (bytes: number) => void = () => undefined): ReadOptions => ({
        signal: stop, onWait: this.#onWait, onFailed: this.#onFailed,
        onProgress: (bytes) => {
          onBytes(bytes);
          onProgress(shard, bytes);
        },
      });
      try {
        for (const [i, shard] of queue) {
          if (!isHere(shard)) await lanes.run(stop, (onBytes) => reader.fetch(shard, this.#urls(shard), options(shard, onBytes)));
          const into = await buffers.take(stop);
          const bytes = await reader.read(shard, this.#urls(shard), { ...options(shard), into });
          await use(offsets[i] ?? 0, bytes);
          buffers.give(bytes.buffer);
        }
      } finally {
        reader.close();
      }
    };
    try {
      await Promise.all(Array.from({ length: readers }, work));
    } catch (error) {
      failed.abort(); // the others' reads
      throw await this.#explained(error, signal);
    } finally {
      buffers.free();
    }
  }

  /** A better error for a file that is gone together with its manifest. */
  async #explained(error: unknown, signal: AbortSignal): Promise<unknown> {
    const isMissing = error instanceof DownloadError && ["missing", "page"].includes(String(error.details["reason"]));
    if (!isMissing || !await isReplaced(this.#source.manifest, signal)) return error;
    return new DownloadError("A newer version of this site has taken the place of the one that this page is of: load the page again.",
      { ...error.details, reason: "replaced" });
  }
}

function readerCount(shards: number): number {
  return Math.min(shards, MAX_READERS, Math.max(2, threadCount()));
}
