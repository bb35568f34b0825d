/** The code of grammars, which few requests need. A site's worker loads it with the first that does (site_part.ts); a package has it with the engine. */

import * as part from "./compiled.ts";

export type GrammarPart = typeof part;

export function importPart(): Promise<GrammarPart> {
  return Promise.resolve(part);
}
