/** The `added_tokens` of a tokenizer.json: texts that are one token each, whatever the vocabulary says. */

import { isRecord, type Fields } from "../support/fields.ts";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Has no text of its own in an answer. */
  readonly isSpecial: boolean;
  /** Whether a normalizer sees a text before this token is looked for in it. */
  readonly isNormalized: boolean;
  /** Takes the spaces before it. */
  readonly stripsLeft: boolean;
}

export function readAddedTokens(tokenizerJson: Fields): AddedToken[] {
  const added: unknown = tokenizerJson.raw("added_tokens");
  if (!Array.isArray(added)) return [];
  return added.flatMap((token: unknown) => {
    if (!isRecord(token)) return [];
    const { id, content } = token;
    if (typeof id !== "number" || typeof content !== "string" || content === "") return [];
    return [{
      id, content, isSpecial: token["special"] === true, isNormalized: token["normalized"] === true, stripsLeft: token["lstrip"] === true,
    }];
  });
}
