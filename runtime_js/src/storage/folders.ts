/** Where models are kept, in a browser in the origin's private file system: one folder for each model folder on the network. */

import { platform, type Folder } from "../support/platform.ts";
import { draftOf } from "./draft.ts";

const ROOT = "webllm-build";
/** No model folder is called so: their names are addresses. */
const JOURNALS = "journals";
const DELETE_ATTEMPTS = 40;
const DELETE_PAUSE_MS = 50;

export function hasFileSystem(): boolean {
  return platform() !== undefined || (typeof navigator !== "undefined" && typeof navigator.storage?.getDirectory === "function");
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof DOMException && error.name === name;
}

/** What a model's folder is called: the address of the folder that its manifest lies in. */
function folderName(manifestUrl: string): string {
  return encodeURIComponent(new URL(".", manifestUrl).href);
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

/** Name and size in bytes of each file in a folder. */
export async function fileSizes(folder: Folder): Promise<ReadonlyMap<string, number>> {
  const sizes: Promise<[string, number]>[] = [];
  for await (const name of folder.keys()) {
    sizes.push(folder.getFileHandle(name).then(async (handle) => [name, (await handle.getFile()).size]));
  }
  return new Map(await Promise.all(sizes));
}

/** Deletes a file or an empty folder. False where another page goes on using it. */
async function deleteEntry(folder: Folder, name: string): Promise<boolean> {
  for (let tried = 1; ; tried++) {
    try {
      await folder.removeEntry(name);
      return true;
    } catch (error) {
      if (isNamed(error, "NotFoundError")) return true;
      if (isNamed(error, "InvalidModificationError")) return false; // a folder into which a file has just come
      if (!isNamed(error, "NoModificationAllowedError")) throw error;
      if (tried === DELETE_ATTEMPTS) return false;
      await new Promise((resolve) => { setTimeout(resolve, DELETE_PAUSE_MS); }); // a worker that was just ended still has a file open
    }
  }
}

/**
 * Deletes the stored files of a model's folder but those in `kept`, with their drafts, and a folder that is then empty. What another
 * page is downloading at this moment stays: it is that page's.
 */
export async function deleteFiles(manifestUrl: string, kept: ReadonlySet<string>): Promise<void> {
  if (!hasFileSystem()) return;
  try {
    const models = await allModels(false);
    const folder = await models.getDirectoryHandle(folderName(manifestUrl));
    const names: string[] = [];
    for await (const name of folder.keys()) if (!kept.has(draftOf(name) ?? name)) names.push(name);
    const deleted = await Promise.all(names.map((name) => deleteEntry(folder, name)));
    if (kept.size === 0 && deleted.every(Boolean)) await deleteEntry(models, folderName(manifestUrl));
  } catch (error) {
    // There is nothing, or nothing that this page may see.
    if (!isNamed(error, "NotFoundError") && !isNamed(error, "SecurityError")) throw error;
  }
}
