/** Logprobs in OpenAI's two shapes, gathered as tokens come and told with the piece of text behind them. */

import type { LikelyToken, ToldLogprobs } from "../../engine/answer.ts";
import type { ChatLogprobs, CompletionLogprobs, TopLogprob } from "./types.ts";

/** What one choice has to tell: `L` is the shape. */
export class LogprobsOf<L> {
  readonly #all: ToldLogprobs[] = [];
  readonly #write: (tokens: readonly ToldLogprobs[], before: number) => L;
  #told = 0;
  /** Characters of the tokens that were told. */
  #before = 0;

  constructor(write: (tokens: readonly ToldLogprobs[], before: number) => L) {
    this.#write = write;
  }

  add(token: ToldLogprobs | undefined): void {
    if (token !== undefined) this.#all.push(token);
  }

  /** Of the tokens since the last call; null where there are none. */
  next(): L | null {
    const tokens = this.#all.slice(this.#told);
    if (tokens.length === 0) return null;
    const written = this.#write(tokens, this.#before);
    this.#told = this.#all.length;
    this.#before += tokens.reduce((length, { text }) => length + text.length, 0);
    return written;
  }

  /** Of all tokens; null where nobody asked. */
  whole(): L | null {
    return this.#all.length === 0 ? null : this.#write(this.#all, 0);
  }
}

function likely({ text, bytes, logprob }: LikelyToken): TopLogprob {
  return { token: text, bytes: bytes === null ? null : [...bytes], logprob };
}

export function chatLogprobs(): LogprobsOf<ChatLogprobs> {
  return new LogprobsOf((tokens) => ({ content: tokens.map((token) => ({ ...likely(token), top_logprobs: token.top.map(likely) })), refusal: null }));
}

export function textLogprobs(): LogprobsOf<CompletionLogprobs> {
  return new LogprobsOf((tokens, before) => {
    let end = before;
    return {
      tokens: tokens.map(({ text }) => text),
      token_logprobs: tokens.map(({ logprob }) => logprob),
      // Of two tokens with one text, the likelier counts, which comes first.
      top_logprobs: tokens.map(({ top }) => Object.fromEntries(top.toReversed().map(({ text, logprob }) => [text, logprob]))),
      text_offset: tokens.map(({ text }) => (end += text.length) - text.length),
    };
  });
}
