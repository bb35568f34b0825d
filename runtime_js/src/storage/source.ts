/** Where a packaged model's files lie, and how its manifest is told from another one. */

import { IntegrityError, ManifestError } from "../support/errors.ts";
import { sha256 } from "../support/digest.ts";
import { parseManifest, type FileEntry, type Manifest } from "./manifest.ts";

/** URLs are absolute where a model is opened. */
export interface ModelSource {
  /** URL of the model folder's `manifest.<hash>.json`. */
  readonly manifest: string;
  /** Lower-case hex; checked before the manifest is used. */
  readonly manifest_sha256?: string | undefined;
  /** Manifest file name to URL, where a bundler gave the files of a package other URLs. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** URL of a folder that serves the weights; default: where the manifest says. */
  readonly weights?: string | undefined;
}

/** Addresses of one file, at least one. */
export type Urls = readonly [string, ...string[]];

/** What the manifest is called in storage: as in the model's folder, whatever a bundler calls it. */
export function manifestName(source: ModelSource): string {
  const digest = expectedDigest(source);
  return digest === undefined ? new URL(source.manifest).pathname.split("/").at(-1) || "manifest.json" : `manifest.${digest.slice(0, 32)}.json`;
}

/** The digest, or its beginning, that the manifest's bytes must have: from the source or from the file's name. */
function expectedDigest(source: ModelSource): string | undefined {
  return source.manifest_sha256 ?? /[.]([0-9a-f]{32,64})[.]json(?:[.]txt)?$/.exec(new URL(source.manifest).pathname)?.[1];
}

/** Whether the manifest's bytes can be verified. Only then they are stored: the same name always means the same manifest. */
export function isPinned(source: ModelSource): boolean {
  return expectedDigest(source) !== undefined;
}

export async function isManifestOf(source: ModelSource, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const expected = expectedDigest(source);
  return expected === undefined || (await sha256(bytes)).startsWith(expected);
}

/**
 * Where a file may be fetched, in the order in which to try. Weights may lie elsewhere than the rest: where the source says, else where
 * the manifest does.
 */
export function fileUrls({ manifest: address, files = {}, weights }: ModelSource, manifest: Manifest, { file }: FileEntry): Urls {
  const given = Object.hasOwn(files, file) ? files[file] : undefined;
  // In a package, JSON files are called texts: there are bundlers that make scripts of the others.
  const suffix = file.endsWith(".json") && new URL(address).pathname.endsWith(".json.txt") ? ".txt" : "";
  const beside = given ?? new URL(file + suffix, address).href;
  if (!manifest.weights.shards.some((shard) => shard.file === file)) return [beside];
  if (weights !== undefined) return [new URL(file, weights).href];
  const [first = beside, ...others] = manifest.weights.places.map((place) => (place === "" ? beside : new URL(file, new URL(place, address)).href));
  return [first, ...others];
}

/** Raises ManifestError. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ManifestError(`${what} is not JSON (${String(error)}). Build or deploy the model folder again.`);
  }
}

/** The manifest of a source. Raises IntegrityError where the bytes are those of another, ManifestError. */
export async function checkedManifest(source: ModelSource, bytes: Uint8Array<ArrayBuffer>): Promise<Manifest> {
  if (!await isManifestOf(source, bytes)) {
    throw new IntegrityError(
      `${source.manifest} is not the manifest that was asked for: its sha256 differs. Deploy page and model together.`, { url: source.manifest });
  }
  return readManifest(bytes, source.manifest);
}

/** Raises ManifestError. */
export function readManifest(bytes: Uint8Array, url: string): Manifest {
  return parseManifest(parseJson(bytes, url));
}
