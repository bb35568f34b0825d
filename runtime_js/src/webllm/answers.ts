/** This engine's answers in WebLLM's shapes. */

import { ToolCalls } from "../api/openai/tool_calls.ts";
import type * as own from "../api/openai/types.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionDelta, ChatCompletionTokenLogprob, Completion, CompletionUsage, LatencyBreakdown, Logprobs,
} from "./messages.ts";

/** Thoughts stand in the answer's text, as models write them. */
const [OPEN, CLOSE] = ["<think>\n", "\n</think>\n\n"];

/**
 * Seconds of each token. Steps run ahead of each other, and sampling is a part of each, so that of its parts only a form's masks have a time of their own.
 */
function breakdown({ completion_tokens, extra }: own.CompletionUsage): LatencyBreakdown {
  const each = (seconds: number): number[] => Array.from({ length: completion_tokens }, () => seconds);
  return {
    logitProcessorTime: each(0), logitBiasTime: each(0), penaltyTime: each(0), sampleTime: each(0), grammarBitmaskTime: each(extra.grammar_per_token_s ?? 0),
    totalTime: each(extra.time_per_output_token_s),
  };
}

/** Of a prompt, what was computed counts. */
export function usageOf(used: own.CompletionUsage, wantsBreakdown: boolean): CompletionUsage {
  const prompt = used.prompt_tokens - used.prompt_tokens_details.cached_tokens;
  return {
    prompt_tokens: prompt, completion_tokens: used.completion_tokens, total_tokens: prompt + used.completion_tokens,
    extra: { ...used.extra, ...(wantsBreakdown && { latencyBreakdown: breakdown(used) }) },
  };
}

/** WebLLM's ids say nothing but themselves. */
function bare<T extends { readonly id: string }>(common: T): T {
  return { ...common, id: common.id.slice(common.id.indexOf("-") + 1) };
}

/** WebLLM has a word for an answer that was interrupted. */
function ended<T extends own.Ending<string | null>>({ interrupted, ...choice }: T) {
  return interrupted === true ? { ...choice, finish_reason: "abort" as const } : choice;
}

export function chatCompletion({ choices, usage, ...common }: own.ChatCompletion, wantsBreakdown: boolean): ChatCompletion {
  return {
    ...bare(common),
    choices: choices.map(({ message, ...choice }) => {
      const { content, tool_calls, reasoning_content } = message;
      const text = reasoning_content === undefined ? content : `${OPEN}${reasoning_content}${CLOSE}${content ?? ""}`;
      return { ...ended(choice), message: { role: "assistant", content: tool_calls === undefined ? text : null, ...(tool_calls && { tool_calls }) } };
    }),
    usage: usageOf(usage, wantsBreakdown),
  };
}

/** A stream's pieces: each with a role and text, calls of tools whole in the last. */
export class ChatChunks {
  readonly #wantsBreakdown: boolean;
  readonly #calls = new ToolCalls();
  /** What came so far. */
  text = "";
  #isThinking = false;

  constructor(wantsBreakdown: boolean) {
    this.#wantsBreakdown = wantsBreakdown;
  }

  /** What a piece says, if it says anything yet. */
  take({ choices, usage, ...common }: own.ChatCompletionChunk): ChatCompletionChunk | undefined {
    if (usage !== undefined) return { ...bare(common), choices: [], usage: usageOf(usage, this.#wantsBreakdown) };
    const [choice] = choices;
    if (choice === undefined) return undefined;
    const { delta, ...rest } = choice;
    const told = rest.finish_reason === null ? this.#delta(delta) : this.#last();
    this.text += told?.content ?? "";
    return told === undefined ? undefined : { ...bare(common), choices: [{ ...ended(rest), delta: told }] };
  }

  #delta(delta: own.ChatCompletionDelta): ChatCompletionDelta | undefined {
    const { content, reasoning_content } = delta;
    this.#calls.take(delta);
    if (reasoning_content !== undefined) {
      const open = this.#isThinking ? "" : OPEN;
      this.#isThinking = true;
      return { role: "assistant", content: open + reasoning_content };
    }
    if (content === undefined) return undefined;
    const close = this.#isThinking ? CLOSE : "";
    this.#isThinking = false;
    return { role: "assistant", content: close + content };
  }

  #last(): ChatCompletionDelta {
    const calls = this.#calls.all.map((call, index) => ({ index, ...call }));
    return calls.length === 0 ? {} : { role: "assistant", tool_calls: calls };
  }
}

/** In the shape of chats, which WebLLM has in completions too. */
function logprobsOf(told: own.CompletionLogprobs | null): Logprobs | null {
  if (told === null) return null;
  const entry = (token: string, logprob: number): Omit<ChatCompletionTokenLogprob, "top_logprobs"> => (
    { token, logprob, bytes: [...new TextEncoder().encode(token)] });
  return {
    content: told.tokens.map((token, i) => ({
      ...entry(token, told.token_logprobs[i] ?? Number.NaN),
      top_logprobs: Object.entries(told.top_logprobs[i] ?? {}).map(([other, logprob]) => entry(other, logprob)),
    })),
  };
}

/** A continued text, or a piece of one. */
export function completion({ choices, usage, ...common }: own.Completion | own.CompletionChunk, wantsBreakdown: boolean): Completion {
  return {
    ...bare(common),
    choices: choices.map(({ logprobs, ...choice }) => ({ ...ended(choice), logprobs: logprobsOf(logprobs) })),
    ...(usage && { usage: usageOf(usage, wantsBreakdown) }),
  };
}

export class TextChunks {
  readonly #wantsBreakdown: boolean;
  text = "";

  constructor(wantsBreakdown: boolean) {
    this.#wantsBreakdown = wantsBreakdown;
  }

  take(piece: own.CompletionChunk): Completion {
    this.text += piece.choices[0]?.text ?? "";
    return completion(piece, this.#wantsBreakdown);
  }
}
