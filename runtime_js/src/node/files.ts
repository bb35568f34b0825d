/** Folders and files of this machine, as storage asks for them. */

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, readSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { OWNER } from "./owner.ts";
import type { SyncFile } from "../storage/draft.ts";
import type { FileHandle, Folder, StoredFile } from "../support/platform.ts";

const NAME = "webllm-build";
const LOCK = ".lock";
const MAX_NAME = 120;

/** Where this system's programs keep what can be fetched again. WEBLLM_BUILD_CACHE names another folder. */
export function cacheFolder(): string {
  const { WEBLLM_BUILD_CACHE: named, XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  if (named) return resolve(named);
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", NAME, "models");
  if (process.platform === "win32") return join(local ?? join(homedir(), "AppData", "Local"), NAME, "models");
  return join(xdg || join(homedir(), ".cache"), NAME, "models");
}

/** The system's name of what failed; "" where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** As browsers name it. */
function named(error: unknown): unknown {
  const names: Readonly<Record<string, string>> = { ENOENT: "NotFoundError", ENOTEMPTY: "InvalidModificationError", EEXIST: "InvalidModificationError" };
  const name = names[codeOf(error)];
  return name === undefined ? error : new DOMException(String(error), name);
}

async function tried<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => { throw named(error); });
}

/** A path below a folder. Names come from elsewhere: a long one, or one that means more to a file system, is replaced by its digest. */
function inside(folder: string, name: string): string {
  const isPlain = /^[\w%-][\w%.-]*$/.test(name) && name.length <= MAX_NAME;
  return join(folder, isPlain ? name : createHash("sha256").update(name).digest("hex"));
}

/** Whether a process that lives has the file open. */
function isLocked(path: string): boolean {
  try {
    process.kill(Number.parseInt(readFileSync(path + LOCK, "utf8"), 10) || -1, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM"; // it lives, and is another user's
  }
}

/** Raises DOMException where the file is open elsewhere. A lock whose process is gone counts for nothing. */
function lock(path: string): void {
  if (isLocked(path)) throw new DOMException(`${path} is in use`, "NoModificationAllowedError");
  rmSync(path + LOCK, { force: true });
  try {
    writeFileSync(path + LOCK, `${process.pid} ${OWNER}`, { flag: "wx" });
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? new DOMException(`${path} is in use`, "NoModificationAllowedError") : error;
  }
}

/** Of an engine that has ended while its process lives on: what it had open is nobody's. */
export function releaseLocks(owner: string): void {
  const cache = cacheFolder();
  for (const folder of namesIn(cache).map((name) => join(cache, name))) {
    for (const path of namesIn(folder).filter((name) => name.endsWith(LOCK)).map((name) => join(folder, name))) {
      if (lockedBy(path) === `${process.pid} ${owner}`) rmSync(path, { force: true });
    }
  }
}

function lockedBy(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it was given back meanwhile
  }
}

/** What a folder holds; nothing where it is none. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

class OpenFile implements SyncFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #isWritten: boolean;

  constructor(path: string, isWritten: boolean) {
    if (isWritten) lock(path);
    this.#path = path;
    this.#isWritten = isWritten;
    try {
      this.#descriptor = openSync(path, isWritten ? constants.O_RDWR : constants.O_RDONLY);
    } catch (error) { // it was deleted meanwhile
      if (isWritten) rmSync(path + LOCK, { force: true });
      throw named(error);
    }
  }

  getSize(): number {
    return fstatSync(this.#descriptor).size;
  }

  read(bytes: Uint8Array<ArrayBuffer>, { at }: { readonly at: number }): number {
    let done = 0;
    for (let count = -1; count !== 0 && done < bytes.length; done += count) {
      count = readSync(this.#descriptor, bytes, done, bytes.length - done, at + done);
    }
    return done;
  }

  write(bytes: Uint8Array<ArrayBuffer>, { at }: { readonly at: number }): number {
    let done = 0;
    while (done < bytes.length) done += writeSync(this.#descriptor, bytes, done, bytes.length - done, at + done);
    return done;
  }

  truncate(size: number): void {
    ftruncateSync(this.#descriptor, size);
  }

  close(): void {
    closeSync(this.#descriptor);
    if (this.#isWritten) rmSync(this.#path + LOCK, { force: true });
  }
}

export class DiskFile implements FileHandle {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async getFile(): Promise<StoredFile> {
    const { size, mtimeMs } = await tried(stat(this.#path));
    const arrayBuffer = async (): Promise<ArrayBuffer> => new Uint8Array(await readFile(this.#path)).buffer;
    return { size, lastModified: mtimeMs, arrayBuffer, slice: (begin, end) => ({ arrayBuffer: async () => (await arrayBuffer()).slice(begin, end) }) };
  }

  async createSyncAccessHandle({ mode = "readwrite" }: { readonly mode?: string } = {}): Promise<SyncFile> {
    return new OpenFile(this.#path, mode !== "read-only");
  }

  async move(name: string): Promise<void> {
    await rename(this.#path, inside(dirname(this.#path), name));
  }
}

/** It is made when the first file comes. */
export class DiskFolder implements Folder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async getDirectoryHandle(name: string, { create = false }: { readonly create?: boolean } = {}): Promise<Folder> {
    const path = inside(this.#path, name);
    if (!create) await tried(stat(path));
    return new DiskFolder(path);
  }

  async getFileHandle(name: string, { create = false }: { readonly create?: boolean } = {}): Promise<FileHandle> {
    const path = inside(this.#path, name);
    if (create) {
      await mkdir(this.#path, { recursive: true });
      await (await open(path, "a")).close();
    } else {
      await tried(stat(path));
    }
    return new DiskFile(path);
  }

  /** Of a file, or a folder that is empty. */
  async removeEntry(name: string): Promise<void> {
    const path = inside(this.#path, name);
    if (isLocked(path)) throw new DOMException(`${path} is in use`, "NoModificationAllowedError");
    await tried(stat(path).then((entry) => (entry.isDirectory() ? rmdir(path) : rm(path))));
  }

  async *keys(): AsyncGenerator<string> {
    const names = await tried(readdir(this.#path)).catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotFoundError") return [];
      throw error;
    });
    yield* names.filter((name) => !name.endsWith(LOCK));
  }
}
