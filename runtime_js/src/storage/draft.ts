/** A file that is being written. It has its name only when it is whole: what a closed tab cuts off is never taken for stored. */

import { owed } from "../support/patience.ts";
import type { FileHandle, Folder } from "../support/platform.ts";

const SUFFIX = ".part";

/** What dedicated workers alone have: reads and writes without a way through the browser's process. */
export interface SyncFile {
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

interface MovableHandle {
  move(name: string): Promise<void>;
}

export function isSync(handle: object): handle is SyncFileHandle {
  return "createSyncAccessHandle" in handle;
}

function isMovable(handle: object): handle is MovableHandle {
  return "move" in handle;
}

export function draftName(name: string): string {
  return name + SUFFIX;
}

/** The file that a draft becomes; undefined for a name that is no draft's. */
export function draftOf(name: string): string | undefined {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : undefined;
}

/** Writes all of `bytes`. Raises Error or DOMException where there is no room. */
function writeAll(file: SyncFile, bytes: Uint8Array<ArrayBuffer>, at: number): void {
  const written = file.write(bytes, { at });
  if (written < bytes.byteLength) throw new Error(`it took ${written} of ${bytes.byteLength} bytes`);
}

export class Draft {
  readonly #folder: Folder;
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly #refused: (error: unknown) => void;
  /** Null when nothing more is written. */
  #file: SyncFile | null;

  private constructor(
    folder: Folder, name: string, handle: FileHandle, file: SyncFile, refused: (error: unknown) => void,
  ) {
    this.#folder = folder;
    this.#name = name;
    this.#handle = handle;
    this.#file = file;
    this.#refused = refused;
  }

  /**
   * Goes on with the draft of a file, or begins one; null where this thread has no synchronous files. `refused` is called once, when
   * storage takes no more; the draft then does nothing. Raises DOMException, NoModificationAllowedError where another one writes it.
   */
  static async open(folder: Folder, name: string, refused: (error: unknown) => void): Promise<Draft | null> {
    const handle = await folder.getFileHandle(draftName(name), { create: true });
    if (isSync(handle)) return new Draft(folder, name, handle, await handle.createSyncAccessHandle(), refused);
    await folder.removeEntry(draftName(name));
    return null;
  }

  /** Whether it still takes what comes. */
  get isOpen(): boolean {
    return this.#file !== null;
  }

  /** How many bytes the draft holds. What is longer than the file is not of it. */
  sizeWithin(most: number): number {
    const size = this.#file?.getSize() ?? 0;
    if (size <= most) return size;
    this.restart();
    return 0;
  }

  /** Copies what the draft holds to the beginning of `into`; how many bytes that is. What is longer is not of this file. */
  read(into: Uint8Array<ArrayBuffer>): number {
    const size = this.sizeWithin(into.byteLength);
    if (this.#file?.read(into.subarray(0, size), { at: 0 }) === size) return size;
    this.restart();
    return 0;
  }

  write(bytes: Uint8Array<ArrayBuffer>, at: number): void {
    this.#attempt((file) => writeAll(file, bytes, at));
  }

  restart(): void {
    this.#attempt((file) => file.truncate(0));
  }

  #attempt(work: (file: SyncFile) => void): void {
    if (this.#file === null) return;
    try {
      work(this.#file);
    } catch (error) {
      this.close();
      void this.#remove(draftName(this.#name));
      this.#refused(error);
    }
  }

  /** Gives the file its name: it holds `bytes`. */
  async finish(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#attempt((file) => file.truncate(bytes.byteLength));
    if (this.#file === null) return;
    this.close();
    await owed("its storage", this.#rename(bytes)).catch(this.#refused);
  }

  async #rename(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#remove(this.#name);
    const isMoved = isMovable(this.#handle) && await this.#handle.move(this.#name).then(() => true, () => false);
    if (!isMoved) await this.#copy(bytes);
  }

  /** For browsers that cannot move: a copy that is cut off has another size. */
  async #copy(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#remove(draftName(this.#name));
    const handle = await this.#folder.getFileHandle(this.#name, { create: true });
    if (!isSync(handle)) return;
    const file = await handle.createSyncAccessHandle();
    try {
      writeAll(file, bytes, 0);
    } finally {
      file.close();
    }
  }

  /** Leaves what there is for later. */
  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  async #remove(name: string): Promise<void> {
    await this.#folder.removeEntry(name).catch(() => undefined);
  }
}
