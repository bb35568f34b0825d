/** All models that are stored for this origin, whichever of its pages stored them. */

import { draftOf } from "./draft.ts";
import { deleteFolder, folderAddress, hasFileSystem, modelFolders } from "./folders.ts";
import type { Manifest } from "./manifest.ts";
import { manifestFiles } from "./manifest.ts";
import { ModelStore } from "./store.ts";
import { deleteStored, parseStored, usedNote } from "./stored.ts";

export interface KeptModel {
  /** URL of the folder that its manifest came from. */
  readonly folder: string;
  /** URL of its manifest; undefined for files that no manifest names: what is left of a download, or of a model. */
  readonly manifest: string | undefined;
  readonly name: string;
  /** That it takes, with what has come of the files that are not whole. */
  readonly bytes: number;
  /** Of its weights, all. */
  readonly isWhole: boolean;
  /** Milliseconds since 1970; 0 where nobody knows. */
  readonly lastUsed: number;
}

interface Stored {
  readonly size: number;
  readonly lastModified: number;
}

/** Raises DOMException where the browser gives no storage. */
export async function keptModels(): Promise<KeptModel[]> {
  if (!hasFileSystem()) return [];
  const found: KeptModel[] = [];
  for await (const name of modelFolders()) {
    const address = folderAddress(name);
    if (address !== undefined) found.push(...await modelsOf(address));
  }
  return found.sort((a, b) => b.lastUsed - a.lastUsed);
}

async function modelsOf(folder: string): Promise<KeptModel[]> {
  const store = await ModelStore.open(new URL("manifest.json", folder).href, false);
  const files = await store.files();
  /** By the model's id: an older build of a model is no other one. */
  const models = new Map<string, { name: string; manifest: Manifest; files: Set<string>; isNewer: number }>();
  for (const [name, { lastModified }] of files) {
    const manifest = name.endsWith(".json") ? await parseStored(store, name) : null;
    if (manifest === null) continue;
    const former = models.get(manifest.model.id);
    const names = new Set([...former?.files ?? [], name, usedNote(name), ...manifestFiles(manifest).map(({ file }) => file)]);
    const newest = former !== undefined && former.isNewer > lastModified ? former : { name, manifest, isNewer: lastModified };
    models.set(manifest.model.id, { ...newest, files: names });
  }
  const left = new Map(files);
  const kept = [...models.values()].map(({ name, manifest, files: names }): KeptModel => {
    const own = [...files].filter(([file]) => names.has(draftOf(file) ?? file));
    for (const [file] of own) left.delete(file);
    const isWhole = manifest.weights.shards.every(({ file, bytes }) => files.get(file)?.size === bytes);
    return { folder, manifest: new URL(name, folder).href, name: manifest.model.name, isWhole, ...sumOf(own), lastUsed: lastOf(own) };
  });
  const rest = [...left];
  const { bytes } = sumOf(rest);
  if (bytes > 0 && kept.length === 0) kept.push({ folder, manifest: undefined, name: "", bytes, isWhole: false, lastUsed: lastOf(rest) });
  return kept;
}

function sumOf(files: readonly (readonly [string, Stored])[]): { readonly bytes: number } {
  return { bytes: files.reduce((sum, [, { size }]) => sum + size, 0) };
}

function lastOf(files: readonly (readonly [string, Stored])[]): number {
  return files.reduce((last, [, { lastModified }]) => Math.max(last, lastModified), 0);
}

/** Deletes a model, but for files that others of its folder need. False where another page has some of it open. */
export async function deleteKept({ folder, manifest }: KeptModel): Promise<boolean> {
  return manifest === undefined ? deleteFolder(folder) : deleteStored({ manifest });
}
