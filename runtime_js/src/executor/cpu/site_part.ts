/** In the place of part.ts in a site's worker. */

import { addressOf } from "../../support/site_parts.ts";
import type { CpuPart } from "./part.ts";

export function importPart(): Promise<CpuPart> {
  return import(addressOf("cpu"));
}
