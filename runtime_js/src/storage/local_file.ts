/** Files of this machine, for runtimes that may read them: they are read where they are, and kept nowhere else. */

import { DownloadError, IntegrityError } from "../support/errors.ts";
import { platform } from "../support/platform.ts";
import { exactSize, type Size } from "./response.ts";

export function isLocal(url: string): boolean {
  return url.startsWith("file:");
}

/** The bytes of a `file:` URL, in `into` if they fit there. Raises DownloadError where it cannot be read, IntegrityError where its size is wrong. */
export async function readLocal(url: string, size: Size, into?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  const exact = exactSize(size);
  const most = "atMost" in size ? size.atMost : size.exactly;
  const bytes = await platform()?.readFile(url, most, into).catch((error: unknown) => {
    throw new DownloadError(`${url} cannot be read (${String(error)}).`, { url }, error);
  }) ?? null;
  if (bytes === null) {
    throw new DownloadError(`${url} is not there, or is larger than ${most} bytes. Build or copy the whole model folder again.`, { url, reason: "missing" });
  }
  if (exact !== undefined && bytes.length !== exact) {
    throw new IntegrityError(`${url} has ${bytes.length} bytes instead of ${exact}. Build or copy the model folder again.`,
      { url, received: bytes.length, expected: exact });
  }
  return bytes;
}
