/** Grammars of a tokenizer, by the real grammar engine. */

import bytes from "web-xgrammar:module";
import names from "web-xgrammar:names";
import { Grammars } from "../../src/engine/structure/grammars.ts";
import type { ChatTokenizer } from "../../src/tokenizer/chat_tokenizer.ts";

export function grammarsOf(tokenizer: ChatTokenizer, vocabularySize: number, endTokenIds: readonly number[]): Grammars {
  return new Grammars({
    sha256: names.sha256,
    module: async () => bytes,
    vocabulary: () => ({ tokens: tokenizer.tokenBytes(vocabularySize), endTokenIds }),
    encode: (text) => tokenizer.encodePart(text),
  });
}
