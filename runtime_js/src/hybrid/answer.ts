/** An answer as its pieces make it, whoever they come from. */

import { ToolCalls } from "../api/openai/tool_calls.ts";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionFinishReason, ChatCompletionTokenLogprob, CompletionUsage } from "../api/openai/types.ts";

interface Choice {
  content: string;
  reasoning: string;
  readonly calls: ToolCalls;
  readonly logprobs: ChatCompletionTokenLogprob[];
  finish: ChatCompletionFinishReason;
}

export class Answer {
  readonly #choices = new Map<number, Choice>();
  #common = { id: "", created: 0, model: "" };
  #usage: CompletionUsage | undefined;
  /** How many pieces had something of it: about as many tokens, or more. */
  pieces = 0;

  /** Nothing of it counts. */
  clear(): void {
    this.#choices.clear();
    this.#usage = undefined;
    this.pieces = 0;
  }

  take({ id, created, model, choices, usage }: ChatCompletionChunk): void {
    this.#common = { id, created, model };
    this.#usage = usage ?? this.#usage;
    for (const { index, delta, finish_reason, logprobs } of choices) {
      const choice = this.#choices.get(index) ?? { content: "", reasoning: "", calls: new ToolCalls(), logprobs: [], finish: "stop" };
      this.#choices.set(index, choice);
      if ((delta.content ?? "") !== "" || (delta.reasoning_content ?? "") !== "") this.pieces++;
      choice.content += delta.content ?? "";
      choice.reasoning += delta.reasoning_content ?? "";
      choice.logprobs.push(...logprobs?.content ?? []);
      choice.finish = finish_reason ?? choice.finish;
      choice.calls.take(delta);
    }
  }

  /** What somebody has read of it. */
  get text(): string {
    return this.#choices.get(0)?.content ?? "";
  }

  get hasBegun(): boolean {
    return [...this.#choices.values()].some(({ content, reasoning, calls }) => content !== "" || reasoning !== "" || calls.all.length > 0);
  }

  /** Whether another model can go on behind what there is: one text, and no calls. */
  get canGoOn(): boolean {
    return !this.hasBegun || (this.#choices.size === 1 && this.#choices.get(0)?.calls.all.length === 0);
  }

  get hasThought(): boolean {
    return this.#choices.get(0)?.reasoning !== "" && this.#choices.size > 0;
  }

  whole(): ChatCompletion {
    const choices = [...this.#choices].sort(([a], [b]) => a - b).map(([index, { content, reasoning, calls: { all: calls }, logprobs, finish }]) => ({
      index, finish_reason: finish, logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
      message: {
        role: "assistant" as const, content: content === "" && calls.length > 0 ? null : content, refusal: null,
        ...(reasoning !== "" && { reasoning_content: reasoning }), ...(calls.length > 0 && { tool_calls: calls }),
      },
    }));
    return { ...this.#common, object: "chat.completion", choices, usage: this.#usage ?? NO_USAGE };
  }
}

/** Of a model that does not say what it used. */
export const NO_USAGE: CompletionUsage = {
  prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  extra: { e2e_latency_s: 0, prefill_tokens_per_s: 0, decode_tokens_per_s: 0, time_to_first_token_s: 0, time_per_output_token_s: 0 },
};
