/** Where models lie in the origin's private file system: one folder for each. */

const ROOT = "webllm-build";
const DELETE_ATTEMPTS = 40;
const DELETE_PAUSE_MS = 50;

export function hasFileSystem(): boolean {
  return typeof navigator !== "undefined" && typeof navigator.storage?.getDirectory === "function";
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof DOMException && error.name === name;
}

/** What a model's folder is called: the address of the folder that its manifest lies in. */
function folderName(manifestUrl: string): string {
  return encodeURIComponent(new URL(".", manifestUrl).href);
}

async function allModels(create: boolean): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create });
}

/** The folder for the files of a model. Raises DOMException where the browser refuses, or there is none and `create` is false. */
export async function modelFolder(manifestUrl: string, create: boolean): Promise<FileSystemDirectoryHandle> {
  return (await allModels(create)).getDirectoryHandle(folderName(manifestUrl), { create });
}

/** Deletes all stored files of a model. Raises DOMException where another page goes on reading or writing them. */
export async function deleteFolder(manifestUrl: string): Promise<void> {
  if (!hasFileSystem()) return;
  for (let tried = 1; ; tried++) {
    try {
      return await (await allModels(false)).removeEntry(folderName(manifestUrl), { recursive: true });
    } catch (error) {
      if (isNamed(error, "NotFoundError")) return;
      if (!isNamed(error, "NoModificationAllowedError") || tried === DELETE_ATTEMPTS) throw error;
      await new Promise((resolve) => { setTimeout(resolve, DELETE_PAUSE_MS); }); // a worker that was just ended still has a file open
    }
  }
}
