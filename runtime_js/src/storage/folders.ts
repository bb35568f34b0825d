/** Where models are kept, in a browser in the origin's private file system: one folder for each model folder on the network. */

import { platform, type Folder, type StoredFile } from "../support/platform.ts";
import { draftOf } from "./draft.ts";

const ROOT = "webllm-build";
/** No model folder is called so: their names are addresses. */
const JOURNALS = "journals";
/** Browsers let a worker that is ended go on for two seconds, and slow devices for some more. */
const DELETE_ATTEMPTS = 100;
const PAUSE_MS = 50;

export function hasFileSystem(): boolean {
  return platform() !== undefined || (typeof navigator !== "undefined" && typeof navigator.storage?.getDirectory === "function");
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof DOMException && error.name === name;
}

/** The address of the folder that a file lies in. */
export function folderOf(url: string): string {
  return new URL(".", url).href;
}

/** What a model's folder is called: the address of the folder that its manifest lies in. */
function folderName(manifestUrl: string): string {
  return encodeURIComponent(folderOf(manifestUrl));
}

async function allModels(create: boolean): Promise<Folder> {
  return platform()?.storage() ?? (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create });
}

/** The folder for the files of a model. Raises DOMException where the browser refuses, or there is none and `create` is false. */
export async function modelFolder(manifestUrl: string, create: boolean): Promise<Folder> {
  return (await allModels(create)).getDirectoryHandle(folderName(manifestUrl), { create });
}

/** The folder for the journals of answers. Raises DOMException, as `modelFolder` does. */
export async function journalFolder(create: boolean): Promise<Folder> {
  return (await allModels(create)).getDirectoryHandle(JOURNALS, { create });
}

/** What the folders of models are called. Raises DOMException where the browser refuses. */
export async function* modelFolders(): AsyncGenerator<string> {
  try {
    for await (const name of (await allModels(false)).keys()) if (name !== JOURNALS) yield name;
  } catch (error) {
    if (!isNamed(error, "NotFoundError")) throw error; // else nothing was ever stored
  }
}

/** The URL that a folder of models is called after; undefined for another one's name. */
export function folderAddress(name: string): string | undefined {
  try {
    const address = new URL(decodeURIComponent(name));
    return folderName(address.href) === name ? address.href : undefined;
  } catch {
    return undefined;
  }
}

/** Of a stored file. size: bytes. lastModified: milliseconds since 1970. */
export type FileFacts = Pick<StoredFile, "size" | "lastModified">;

/** Each file in a folder, by its name. One that is renamed or deleted meanwhile, as another load's draft is, does not count. */
export async function filesIn(folder: Folder): Promise<ReadonlyMap<string, FileFacts>> {
  const files: Promise<readonly [string, FileFacts] | undefined>[] = [];
  for await (const name of folder.keys()) {
    files.push(folder.getFileHandle(name).then(async (handle) => {
      const { size, lastModified } = await handle.getFile();
      return [name, { size, lastModified }] as const;
    }).catch((error: unknown) => {
      if (!isNamed(error, "NotFoundError")) throw error;
      return undefined;
    }));
  }
  return new Map((await Promise.all(files)).filter((file) => file !== undefined));
}

/** Does what needs a file for itself, which another page may read at this moment, or a worker have open that was just ended. Raises NoModificationAllowedError where that goes on. */
export async function whenUnused<T>(attempts: number, work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried >= attempts || !isNamed(error, "NoModificationAllowedError")) throw error;
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
  }
}

/** Deletes a file or an empty folder. False where another page goes on using it. */
async function deleteEntry(folder: Folder, name: string): Promise<boolean> {
  try {
    await whenUnused(DELETE_ATTEMPTS, () => folder.removeEntry(name));
    return true;
  } catch (error) {
    if (isNamed(error, "NotFoundError")) return true;
    if (isNamed(error, "InvalidModificationError") || isNamed(error, "NoModificationAllowedError")) return false; // a folder into which a file has just come
    throw error;
  }
}

/**
 * Deletes the stored files of a model's folder but those in `kept`, with their drafts, and a folder that is then empty. What another
 * page is downloading, or reads, at this moment stays, and the result is false: it is that page's.
 */
export async function deleteFiles(manifestUrl: string, kept: ReadonlySet<string>): Promise<boolean> {
  if (!hasFileSystem()) return true;
  try {
    const models = await allModels(false);
    const folder = await models.getDirectoryHandle(folderName(manifestUrl));
    const names: string[] = [];
    for await (const name of folder.keys()) if (!kept.has(draftOf(name) ?? name)) names.push(name);
    const deleted = await Promise.all(names.map((name) => deleteEntry(folder, name)));
    const isDone = deleted.every(Boolean);
    if (kept.size === 0 && isDone) await deleteEntry(models, folderName(manifestUrl));
    return isDone;
  } catch (error) {
    // There is nothing, or nothing that this page may see.
    if (!isNamed(error, "NotFoundError") && !isNamed(error, "SecurityError")) throw error;
    return true;
  }
}

/** Deletes a folder with all that is in it, as `deleteFiles` does. */
export function deleteFolder(address: string): Promise<boolean> {
  return deleteFiles(address, new Set());
}
