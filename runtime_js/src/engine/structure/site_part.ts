/** In the place of part.ts in a site's worker, which is one script from memory: the page names the worker after the address of this part. */

import type { GrammarPart } from "./part.ts";

export function importPart(): Promise<GrammarPart> {
  return import(self.name);
}
