/**
 * Verified model files in the origin's private file system, one folder for each model. A dedicated worker reads it several times
 * as fast as the Cache API. Where there is none, nothing is stored and the model still runs.
 */

import { hasFileSystem, isNamed, modelFolder } from "./folders.ts";

/** What dedicated workers alone have: reads and writes without a way through the browser's process. */
interface SyncFile {
  getSize(): number;
  read(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  close(): void;
}

interface SyncFileHandle {
  /** One writer or, in browsers that know the mode, several readers may have a file open. */
  createSyncAccessHandle(options?: { mode: "read-only" }): Promise<SyncFile>;
}

function isSync(handle: object): handle is SyncFileHandle {
  return "createSyncAccessHandle" in handle;
}

/** `size` bytes to write to: the beginning of `into`, or new ones where that is too small. */
export function room(size: number, into: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
  return into !== undefined && into.byteLength >= size ? new Uint8Array(into, 0, size) : new Uint8Array(size);
}

export class ModelStore {
  readonly #folder: FileSystemDirectoryHandle | null;
  #warning: string | undefined;

  private constructor(folder: FileSystemDirectoryHandle | null, warning?: string) {
    this.#folder = folder;
    this.#warning = warning;
  }

  static async open(manifestUrl: string): Promise<ModelStore> {
    if (!hasFileSystem()) {
      return new ModelStore(null, "This browser has no storage for the model here; it will be downloaded again next time.");
    }
    try {
      return new ModelStore(await modelFolder(manifestUrl, true));
    } catch (error) {
      return new ModelStore(null,
        `The browser refused to open its storage (${String(error)}); the model will be downloaded again next time.`);
    }
  }

  /** Why files are not stored, if they are not. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /** Stops storing, and says why. What is stored stays readable. */
  stopStoring(warning: string): void {
    this.#warning ??= warning;
  }

  /** A file's bytes, in `into` if they fit there; null where there is no such file, or one of another size than `size`. */
  async read(name: string, size?: number, into?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const handle = await this.#folder?.getFileHandle(name);
      return handle === undefined ? null : await readFile(handle, size, into);
    } catch {
      return null; // unreadable storage is the same as none: the file is fetched
    }
  }

  async write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#folder === null || this.#warning !== undefined) return;
    try {
      await writeFile(await this.#folder.getFileHandle(name, { create: true }), bytes);
    } catch (error) {
      if (isNamed(error, "NoModificationAllowedError")) return; // another page has it open: it writes, or reads, the same bytes
      await this.delete(name);
      this.stopStoring(`The browser's storage is full or refused a file (${String(error)}); the model runs, but will be downloaded again `
        + "next time. Free some space or delete other models to keep it.");
    }
  }

  async delete(name: string): Promise<void> {
    await this.#folder?.removeEntry(name).catch(() => undefined);
  }

  /** Names of the files that are stored. */
  async names(): Promise<Set<string>> {
    const names = new Set<string>();
    if (this.#folder !== null) for await (const name of this.#folder.keys()) names.add(name);
    return names;
  }
}

async function readFile(
  handle: FileSystemFileHandle, size: number | undefined, into: ArrayBuffer | undefined,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = isSync(handle) ? await handle.createSyncAccessHandle({ mode: "read-only" }).catch(() => null) : null;
  if (file === null) { // not in a dedicated worker, or open elsewhere
    const blob = await handle.getFile();
    return size !== undefined && blob.size !== size ? null : new Uint8Array(await blob.arrayBuffer());
  }
  try {
    const stored = file.getSize();
    if (size !== undefined && stored !== size) return null;
    const bytes = room(stored, into);
    return file.read(bytes, { at: 0 }) === stored ? bytes : null;
  } finally {
    file.close();
  }
}

async function writeFile(handle: FileSystemFileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (!isSync(handle)) {
    const stream = await handle.createWritable();
    await stream.write(bytes);
    await stream.close();
    return;
  }
  const file = await handle.createSyncAccessHandle();
  try {
    file.truncate(0);
    const written = file.write(bytes, { at: 0 });
    if (written < bytes.byteLength) throw new Error(`it took ${written} of ${bytes.byteLength} bytes`);
  } finally {
    file.close();
  }
}
