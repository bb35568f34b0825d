/** Where a packaged model's files lie, and how its manifest is told from another one. */

import { ManifestError } from "../support/errors.ts";
import { sha256 } from "./digest.ts";
import { parseManifest, type Manifest } from "./manifest.ts";

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

/** What the manifest is called in storage. */
export function manifestName(source: ModelSource): string {
  return new URL(source.manifest).pathname.split("/").at(-1) || "manifest.json";
}

/** The digest, or its beginning, that the manifest's bytes must have: from the source or from the file's name. */
function expectedDigest(source: ModelSource): string | undefined {
  return source.manifest_sha256 ?? /[.]([0-9a-f]{32,64})[.]json$/.exec(new URL(source.manifest).pathname)?.[1];
}

/** Whether the manifest's bytes can be verified. Only then they are stored: the same name always means the same manifest. */
export function isPinned(source: ModelSource): boolean {
  return expectedDigest(source) !== undefined;
}

export async function isManifestOf(source: ModelSource, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const expected = expectedDigest(source);
  return expected === undefined || (await sha256(bytes)).startsWith(expected);
}

/** Raises ManifestError. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ManifestError(`${what} is not JSON (${String(error)}). Build or deploy the model folder again.`);
  }
}

/** Raises ManifestError. */
export function readManifest(bytes: Uint8Array, url: string): Manifest {
  return parseManifest(parseJson(bytes, url));
}
