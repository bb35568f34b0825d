/** In the place of part.ts in a site's worker. */

import { DownloadError } from "../support/errors.ts";
import { addressOf } from "../support/site_parts.ts";
import type { TokenizerPart } from "./part.ts";

export function importPart(): Promise<TokenizerPart> {
  const url = addressOf("tokenizer");
  return import(url).catch((error: unknown) => {
    throw new DownloadError(`The script ${url} could not be fetched.`, { url }, error);
  });
}
