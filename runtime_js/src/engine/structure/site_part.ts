/** In the place of part.ts in a site's worker. */

import { addressOf } from "../../support/site_parts.ts";
import type { GrammarPart } from "./part.ts";

export function importPart(): Promise<GrammarPart> {
  return import(addressOf("structure"));
}
