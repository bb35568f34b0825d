/**
 * Verified model files in the origin's private file system, one folder for each model. A dedicated worker reads it several times
 * as fast as the Cache API. Where there is none, nothing is stored and the model still runs.
 */

import { NoAnswerError } from "../support/errors.ts";
import { owed } from "../support/patience.ts";
import type { FileHandle, Folder } from "../support/platform.ts";
import { Draft, draftName, isSync } from "./draft.ts";
import { filesIn, hasFileSystem, isNamed, modelFolder, type FileFacts } from "./folders.ts";
import { openRanges, type RangeFile } from "./range_file.ts";

/** `size` bytes to write to: the beginning of `into`, or new ones where that is too small. */
export function allocate(size: number, into: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
  return into !== undefined && into.byteLength >= size ? new Uint8Array(into, 0, size) : new Uint8Array(size);
}

export class ModelStore {
  readonly #manifestUrl: string;
  #folder: Folder | null;
  #warning: string | undefined;
  #isLost = false;

  private constructor(manifestUrl: string, folder: Folder | null, warning?: string) {
    this.#manifestUrl = manifestUrl;
    this.#folder = folder;
    this.#warning = warning;
  }

  /** The store of a model. Where `create` is false and there is none, it is empty. */
  static async open(manifestUrl: string, create = true): Promise<ModelStore> {
    if (!hasFileSystem()) {
      return new ModelStore(manifestUrl, null, "There is no storage for the model here; it will be downloaded again next time.");
    }
    const store = new ModelStore(manifestUrl, null);
    try {
      store.#folder = await store.#owed(modelFolder(manifestUrl, create));
    } catch (error) {
      store.stopStoring(`The storage could not be opened (${String(error)}); the model will be downloaded again next time.`);
    }
    return store;
  }

  /** Why files are not stored, if they are not. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /** Whether the storage has kept silent. Another thread's may not. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Whether files that are read are stored. */
  get isStoring(): boolean {
    return this.#folder !== null && this.#warning === undefined;
  }

  /** Under this name a page locks the download of a file. */
  lockName(file: string): string {
    return `webllm-build:${new URL(file, this.#manifestUrl).href}`;
  }

  /** Stops storing, and says why. What is stored stays readable. */
  stopStoring(warning: string): void {
    this.#warning ??= warning;
  }

  /** A file's bytes, in `into` if they fit there; null where there is no such file, or one of another size than `size`. */
  async read(name: string, size?: number, into?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer> | null> {
    const folder = this.#folder;
    if (folder === null) return null;
    try {
      return await this.#owed(folder.getFileHandle(name).then((handle) => readFile(handle, size, into)));
    } catch {
      return null; // unreadable storage is the same as none: the file is fetched
    }
  }

  /** A file, to be read by parts; null where there is no such file, or one of another size than `size`. */
  async ranges(name: string, size: number): Promise<RangeFile | null> {
    const folder = this.#folder;
    if (folder === null) return null;
    try {
      return await this.#owed(folder.getFileHandle(name).then((handle) => openRanges(handle, size)));
    } catch {
      return null;
    }
  }

  async write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#try(async (folder) => {
      const draft = await this.#open(folder, name);
      if (draft === null) return writeWhole(await folder.getFileHandle(name, { create: true }), bytes);
      draft.write(bytes, 0);
      await draft.finish(bytes);
    });
  }

  /** A file to be written piece by piece; null where nothing is stored, another page writes it or this thread can only write it whole. */
  async draft(name: string): Promise<Draft | null> {
    return await this.#try((folder) => this.#open(folder, name)) ?? null;
  }

  /** How many bytes of a file have come so far, whoever writes it; undefined where none are stored. */
  async draftSize(name: string): Promise<number | undefined> {
    return (await this.sizes()).get(draftName(name));
  }

  #open(folder: Folder, name: string): Promise<Draft | null> {
    return Draft.open(folder, name, (error) => this.#refused(error));
  }

  /** Works in the folder. Where the browser stores nothing more, the warning says why. */
  async #try<T>(work: (folder: Folder) => Promise<T>): Promise<T | undefined> {
    if (this.#folder === null || !this.isStoring) return undefined;
    try {
      try {
        return await this.#owed(work(this.#folder));
      } catch (error) {
        if (!isNamed(error, "NotFoundError")) throw error;
        // Another page has deleted the model.
        return await this.#owed(modelFolder(this.#manifestUrl, true).then((folder) => work(this.#folder = folder)));
      }
    } catch (error) {
      if (!isNamed(error, "NoModificationAllowedError")) this.#refused(error); // else another page writes, or reads, the same bytes
      return undefined;
    }
  }

  /** What the storage is asked for. One that has kept silent once is asked for nothing more: it counts as none. */
  async #owed<T>(work: Promise<T>): Promise<T> {
    try {
      return await owed("its storage", work);
    } catch (error) {
      if (error instanceof NoAnswerError) {
        this.#folder = null;
        this.#isLost = true;
        this.stopStoring("The storage does not answer; the model runs, but will be downloaded again next time. "
          + "Start again to keep it.");
      }
      throw error;
    }
  }

  #refused(error: unknown): void {
    this.stopStoring(error instanceof CannotWrite ? error.message
      : `The storage is full or refused a file (${String(error)}); the model runs, but will be downloaded again next time. `
        + "Free some space or delete other models to keep it.");
  }

  /** Each file that is stored, by its name. */
  async files(): Promise<ReadonlyMap<string, FileFacts>> {
    return this.#folder === null ? new Map() : this.#owed(filesIn(this.#folder)).catch(() => new Map<string, FileFacts>());
  }

  /** Name and size in bytes of each file that is stored. */
  async sizes(): Promise<ReadonlyMap<string, number>> {
    return new Map([...await this.files()].map(([name, { size }]) => [name, size]));
  }
}

/** A thread that cannot write, as the page's own in Safari before version 26. */
class CannotWrite extends Error {}

async function readFile(
  handle: FileHandle, size: number | undefined, into: ArrayBuffer | undefined,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = isSync(handle) ? await handle.createSyncAccessHandle({ mode: "read-only" }).catch(() => null) : null;
  if (file === null) { // not in a dedicated worker, or open elsewhere
    const blob = await handle.getFile();
    return size !== undefined && blob.size !== size ? null : new Uint8Array(await blob.arrayBuffer());
  }
  try {
    const stored = file.getSize();
    if (size !== undefined && stored !== size) return null;
    const bytes = allocate(stored, into);
    return file.read(bytes, { at: 0 }) === stored ? bytes : null;
  } finally {
    file.close();
  }
}

/** The platform gives the file its contents when the stream is closed, all or nothing. */
async function writeWhole(handle: FileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (handle.createWritable === undefined) {
    throw new CannotWrite("This browser lets only workers store files: the model runs, but will be downloaded again next time. "
      + "Run the engine in a worker to keep it.");
  }
  const stream = await handle.createWritable();
  await stream.write(bytes);
  await stream.close();
}
