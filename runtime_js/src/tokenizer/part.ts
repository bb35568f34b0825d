/** The code of tokenizers and templates. A site's worker loads it beside the weights (site_part.ts); a package has it with the engine. */

import * as part from "./chat_tokenizer.ts";

export type TokenizerPart = typeof part;

export function importPart(): Promise<TokenizerPart> {
  return Promise.resolve(part);
}
