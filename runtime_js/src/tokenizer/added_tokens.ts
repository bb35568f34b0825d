/** The `added_tokens` of a tokenizer.json: texts that are one token each, whatever the vocabulary says. */

import { isRecord, type Fields } from "../support/fields.ts";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Has no text of its own in an answer. */
  readonly isSpecial: boolean;
  /** Whether a normalizer sees a text before this token is looked for in it. */
  readonly isNormalized: boolean;
  /** Takes the spaces before it, or behind it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
  /** Is a token only where no letter stands beside it. */
  readonly isWord: boolean;
}

export function readAddedTokens(tokenizerJson: Fields): AddedToken[] {
  const added: unknown = tokenizerJson.raw("added_tokens");
  if (!Array.isArray(added)) return [];
  return added.flatMap((token: unknown) => {
    if (!isRecord(token)) return [];
    const { id, content } = token;
    if (typeof id !== "number" || typeof content !== "string" || content === "") return [];
    const is = (key: string): boolean => token[key] === true;
    return [{
      id, content, isSpecial: is("special"), isNormalized: is("normalized"), stripsLeft: is("lstrip"), stripsRight: is("rstrip"), isWord: is("single_word"),
    }];
  });
}

interface Node {
  readonly below: Map<number, Node>;
  token: AddedToken | undefined;
}

const SPACE = /\p{White_Space}/u;
const SPACES_AT_END = /(?<!\p{White_Space})\p{White_Space}+$/u;
const LETTER_END = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]$/u;
const LETTER_START = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]/u;

/** Cuts texts at tokens: at the leftmost, of those that begin there the longest. */
export class Splitter {
  readonly #root: Node = { below: new Map(), token: undefined };

  /** `spelled`: how a token's content is looked for. */
  constructor(tokens: readonly AddedToken[], spelled: (content: string) => string = (content) => content) {
    for (const token of tokens) {
      let node = this.#root;
      const content = spelled(token.content);
      for (let i = 0; i < content.length; i++) {
        const unit = content.charCodeAt(i);
        let inner = node.below.get(unit);
        if (inner === undefined) {
          inner = { below: new Map(), token: undefined };
          node.below.set(unit, inner);
        }
        node = inner;
      }
      if (node !== this.#root) node.token = token;
    }
  }

  /** Texts and tokens in turn; no text is empty. */
  *split(text: string): Generator<string | AddedToken, void, undefined> {
    let done = 0;
    for (let at = 0; at < text.length; at++) {
      let [node, found, end]: [Node | undefined, AddedToken | undefined, number] = [this.#root, undefined, at];
      for (let i = at; i < text.length; i++) {
        node = node.below.get(text.charCodeAt(i));
        if (node === undefined) break;
        if (node.token !== undefined) [found, end] = [node.token, i + 1];
      }
      if (found === undefined) continue;
      if (found.isWord && (LETTER_END.test(text.slice(Math.max(0, at - 2), at)) || LETTER_START.test(text.slice(end, end + 2)))) {
        at = end - 1;
        continue;
      }
      const before = found.stripsLeft ? text.slice(done, at).replace(SPACES_AT_END, "") : text.slice(done, at);
      if (before !== "") yield before;
      yield found;
      if (found.stripsRight) while (end < text.length && SPACE.test(text.charAt(end))) end++;
      [done, at] = [end, end - 1];
    }
    if (done < text.length) yield text.slice(done);
  }
}
