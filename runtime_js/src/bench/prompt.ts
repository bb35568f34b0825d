/** A conversation of a given length. */

import type { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";

interface Question {
  readonly role: "user";
  readonly content: string;
}

/** Words that are one token each in most vocabularies, and hardly more than MOST_TOKENS in any. */
const WORDS = "the quick brown fox jumps over a lazy dog while seven old wizards make toast and count many stars in one long night".split(" ");
const MOST_TOKENS = 8;

/** The fewest words that make a prompt of `tokens` tokens or more: a template's own words may be more already. */
export function makePrompt(tokenizer: Pick<ChatTokenizer, "render" | "encode">, tokens: number): Question[] {
  const make = (words: number): Question[] =>
    [{ role: "user", content: Array.from({ length: words }, (_, i) => WORDS[(i * i) % WORDS.length]).join(" ") }];
  const count = (words: number): number => tokenizer.encode(tokenizer.render({ messages: make(words) })).length;
  let words = 1;
  for (let have = count(words); have < tokens; have = count(words)) {
    words += Math.max(1, Math.floor((tokens - have) / MOST_TOKENS)); // never one too many
  }
  return make(words);
}
