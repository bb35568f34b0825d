/** The code that computes on the CPU. A site's worker loads it where a model runs there (site_part.ts); a package has it with the engine. */

import * as part from "./backend.ts";

export type CpuPart = typeof part;

export function importPart(): Promise<CpuPart> {
  return Promise.resolve(part);
}
