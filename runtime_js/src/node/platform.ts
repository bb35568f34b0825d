/** Node, Deno and Bun in a browser's place. */

import { constants, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DownloadError, IntegrityError, ModelNotFoundError } from "../support/errors.ts";
import { setPlatform, type Located, type Size } from "../support/platform.ts";
import { cacheFolder, codeOf, DiskFile, DiskFolder, namesIn } from "./files.ts";
import { startThread } from "./threads.ts";

const MANIFEST = /^manifest[.][0-9a-f]+[.]json(?:[.]txt)?$/;

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function folderUrl(path: string): string {
  return pathToFileURL(path + sep).href;
}

/** A manifest, and where its weights are. */
function located(manifest: string): Located {
  const folder = dirname(manifest), weights = join(folder, "..", "weights"); // of a result whose weights are for another host
  const isApart = !namesIn(folder).some((name) => name.endsWith(".bin")) && isFolder(weights);
  return { manifest: pathToFileURL(manifest).href, ...(isApart && { weights: folderUrl(weights) }) };
}

/** What webllm-build wrote into a folder: a site, a package, or the model folder that is in either. */
function locateFolder(folder: string): Located {
  for (const path of [folder, join(folder, "model")]) {
    const [manifest, ...more] = namesIn(path).filter((name) => MANIFEST.test(name));
    if (manifest === undefined) continue;
    if (more.length > 0) throw new ModelNotFoundError(`${path} has several manifests (${[manifest, ...more].join(", ")}): name the one that you mean.`);
    return located(join(path, manifest));
  }
  throw new ModelNotFoundError(`${folder} holds no model: there is no manifest in it, nor in a folder "model" of it. Name a folder that webllm-build wrote.`);
}

function locate(model: string): Located | undefined {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(model); // C:\ is a path
  if (isUrl && !model.startsWith("file:")) return undefined;
  const path = isUrl ? fileURLToPath(model) : resolve(model);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return locateFolder(path);
  if (found !== undefined) return located(path);
  if (!isUrl && !/[/\\]|[.]json(?:[.]txt)?$/.test(model)) return undefined;
  throw new ModelNotFoundError(`${path} is not there.`, { path });
}

async function readFile(url: string, size: Size, into?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(fileURLToPath(url), constants.O_RDONLY).catch((error: unknown) => {
    const isMissing = codeOf(error) === "ENOENT";
    throw new DownloadError(`${url} ${isMissing ? "is not there" : `cannot be read (${String(error)})`}. Build or copy the whole model folder again.`,
      { url, ...(isMissing && { reason: "missing" }) }, error);
  });
  try {
    const { size: length } = await file.stat();
    const fits = "exactly" in size ? length === size.exactly : length <= size.atMost;
    if (!fits) {
      throw new IntegrityError(`${url} has ${length} bytes, ${"exactly" in size ? `not ${size.exactly}` : `more than ${size.atMost}`}. `
        + "Build or copy the model folder again.", { url, received: length });
    }
    const bytes = into !== undefined && into.byteLength >= length ? new Uint8Array(into, 0, length) : new Uint8Array(length);
    for (let done = 0, count = -1; count !== 0 && done < length; done += count) {
      count = (await file.read(bytes, done, length - done, done)).bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

setPlatform({
  base: () => folderUrl(process.cwd()),
  locate,
  storage: () => new DiskFolder(cacheFolder()),
  readFile,
  file: (url) => new DiskFile(fileURLToPath(url)),
  startThread,
  threadCount: availableParallelism(),
});
