/** In the place of part.ts in a site's worker. */

import { DownloadError } from "../support/errors.ts";
import { addressOf } from "../support/site_parts.ts";
import type { MediaPart } from "./part.ts";

export function importPart(): Promise<MediaPart> {
  const url = addressOf("media");
  return import(url).catch((error: unknown) => {
    throw new DownloadError(`The script ${url}, which reads pictures and sounds, could not be fetched. Check the connection, and try again.`, { url }, error);
  });
}
