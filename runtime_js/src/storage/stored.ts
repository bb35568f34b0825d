/** What is stored of a model on this device. */

import { ManifestError } from "../support/errors.ts";
import { MAX_MANIFEST_BYTES } from "../support/limits.generated.ts";
import { deleteFiles } from "./folders.ts";
import { isLocal, readLocal } from "./local_file.ts";
import { filesOfLoad, librariesOf, manifestFiles, type FileEntry, type Manifest } from "./manifest.ts";
import { checkedManifest, fileUrls, isManifestOf, manifestName, readManifest, type ModelSource } from "./source.ts";
import { ModelStore } from "./store.ts";

/** The stored manifest of a source; null where there is none, or another one. */
export async function storedManifest(store: ModelStore, source: ModelSource): Promise<Manifest | null> {
  const bytes = await store.read(manifestName(source));
  return bytes !== null && await isManifestOf(source, bytes) ? readManifest(bytes, source.manifest) : null;
}

/** The manifest of a source on this machine. Raises DownloadError, IntegrityError, ManifestError. */
export async function localManifest(source: ModelSource): Promise<Manifest> {
  return checkedManifest(source, await readLocal(source.manifest, { atMost: MAX_MANIFEST_BYTES }));
}

/**
 * Whether the manifest and every file that a load reads are on this machine, whole: the model then loads without the network, on what has
 * computed it before.
 */
export async function isStored(source: ModelSource): Promise<boolean> {
  const store = await ModelStore.open(source.manifest, false);
  const manifest = await (isLocal(source.manifest) ? localManifest(source) : storedManifest(store, source));
  return manifest !== null && hasFiles(store, source, manifest);
}

/** Whether every file that a load of this manifest reads is on this machine, whole. */
export async function hasFiles(store: ModelStore, source: ModelSource, manifest: Manifest): Promise<boolean> {
  const sizes = await store.sizes();
  const isHere = (entry: FileEntry): boolean => isLocal(fileUrls(source, manifest, entry)[0]) || sizes.get(entry.file) === entry.bytes;
  return filesOfLoad(manifest).every(isHere) && librariesOf(manifest).some(isHere);
}

/** A stored file as a manifest; null where it is none. */
export async function parseStored(store: ModelStore, name: string): Promise<Manifest | null> {
  try {
    const bytes = await store.read(name);
    return bytes === null ? null : readManifest(bytes, name);
  } catch (error) {
    if (error instanceof ManifestError) return null; // another JSON file
    throw error;
  }
}

/** Files that other models of the same folder need. An older build of the same model is no other model. */
async function filesOfOthers(store: ModelStore, source: ModelSource): Promise<Set<string>> {
  const kept = new Set<string>();
  const names = [...(await store.sizes()).keys()];
  const own = await parseStored(store, manifestName(source));
  for (const name of names.filter((one) => one.endsWith(".json") && one !== manifestName(source) && one !== own?.tokenizer.file)) {
    const other = await parseStored(store, name);
    if (other === null || other.model.id === own?.model.id) continue;
    for (const file of [name, ...manifestFiles(other).map(({ file }) => file)]) kept.add(file);
  }
  if (kept.size > 0) for (const name of names) if (isNote(name)) kept.add(name); // a note does not say whose it is
  return kept;
}

/** Notes are small texts beside the files of a model, which nobody has verified. */
const NOTE = "note.";

function isNote(name: string): boolean {
  return name.startsWith(NOTE);
}

export function noteName(digest: string): string {
  return NOTE + digest;
}

/** The note whose time tells when a model was last used. manifest: the name of its manifest. */
export function usedNote(manifest: string): string {
  return `${NOTE}used.${manifest.replace(/[.]json$/, "")}`;
}

/** Deletes the stored files of a model that no other model of its folder needs. False where another page uses some of them. */
export async function deleteStored(source: ModelSource): Promise<boolean> {
  return deleteFiles(source.manifest, await filesOfOthers(await ModelStore.open(source.manifest, false), source));
}
