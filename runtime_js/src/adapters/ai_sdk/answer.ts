/** This engine's answers as the AI SDK's parts. */

import type { LanguageModelV4Content, LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionFinishReason, CompletionUsage, Ending } from "../../api/openai/types.ts";

type Call = NonNullable<ChatCompletionChunk["choices"][number]["delta"]["tool_calls"]>[number];

const FINISHES: Readonly<Record<ChatCompletionFinishReason, LanguageModelV4FinishReason["unified"]>> = {
  stop: "stop", length: "length", tool_calls: "tool-calls",
};

export function finishOf(ending: Ending<ChatCompletionFinishReason> | undefined): LanguageModelV4FinishReason {
  const raw = ending?.finish_reason;
  return { unified: ending?.interrupted === true ? "interrupted" : raw === undefined ? "other" : FINISHES[raw], raw };
}

export function usageOf(used: CompletionUsage | undefined): LanguageModelV4Usage {
  const cached = used?.prompt_tokens_details.cached_tokens;
  const thought = used?.completion_tokens_details.reasoning_tokens;
  return {
    inputTokens: { total: used?.prompt_tokens, noCache: used && used.prompt_tokens - (cached ?? 0), cacheRead: cached, cacheWrite: undefined },
    outputTokens: { total: used?.completion_tokens, text: used && used.completion_tokens - (thought ?? 0), reasoning: thought },
  };
}

export function contentOf({ message }: ChatCompletion["choices"][number]): LanguageModelV4Content[] {
  const { content, reasoning_content, tool_calls = [] } = message;
  return [
    ...(reasoning_content !== undefined ? [{ type: "reasoning" as const, text: reasoning_content }] : []),
    ...(content !== null && content !== "" ? [{ type: "text" as const, text: content }] : []),
    ...tool_calls.map(({ id, function: { name, arguments: input } }) => ({ type: "tool-call" as const, toolCallId: id, toolName: name, input })),
  ];
}

/** Pieces of an answer in, parts out: each part begins and ends by itself. */
export class StreamParts {
  #open: { readonly type: "text" | "reasoning"; readonly id: string } | undefined;
  #call: { readonly id: string; readonly name: string; input: string } | undefined;
  #parts = 0;
  #isKnown = false;
  #ending: Ending<ChatCompletionFinishReason> | undefined;
  #usage: CompletionUsage | undefined;

  *take({ id, model, created, choices, usage }: ChatCompletionChunk): Generator<LanguageModelV4StreamPart> {
    if (!this.#isKnown) yield { type: "response-metadata", id, modelId: model, timestamp: new Date(created * 1000) };
    this.#isKnown = true;
    this.#usage = usage ?? this.#usage;
    for (const { delta, finish_reason, interrupted } of choices) {
      if (delta.reasoning_content) yield* this.#text("reasoning", delta.reasoning_content);
      if (delta.content) yield* this.#text("text", delta.content);
      for (const call of delta.tool_calls ?? []) yield* this.#take(call);
      if (finish_reason !== null) this.#ending = { finish_reason, ...(interrupted && { interrupted }) };
    }
  }

  *#text(type: "text" | "reasoning", delta: string): Generator<LanguageModelV4StreamPart> {
    if (this.#open?.type !== type || this.#call !== undefined) {
      yield* this.#close();
      this.#open = { type, id: String(this.#parts++) };
      yield { type: `${type}-start`, id: this.#open.id };
    }
    yield { type: `${type}-delta`, id: this.#open.id, delta };
  }

  *#take({ id, function: { name, arguments: delta } }: Call): Generator<LanguageModelV4StreamPart> {
    if (id !== undefined) {
      yield* this.#close();
      this.#call = { id, name: name ?? "", input: "" };
      yield { type: "tool-input-start", id, toolName: this.#call.name };
    }
    if (this.#call === undefined || delta === "") return;
    this.#call.input += delta;
    yield { type: "tool-input-delta", id: this.#call.id, delta };
  }

  *#close(): Generator<LanguageModelV4StreamPart> {
    if (this.#open !== undefined) yield { type: `${this.#open.type}-end`, id: this.#open.id };
    this.#open = undefined;
    if (this.#call !== undefined) {
      const { id, name, input } = this.#call;
      yield { type: "tool-input-end", id };
      yield { type: "tool-call", toolCallId: id, toolName: name, input };
    }
    this.#call = undefined;
  }

  *end(): Generator<LanguageModelV4StreamPart> {
    yield* this.#close();
    yield { type: "finish", finishReason: finishOf(this.#ending), usage: usageOf(this.#usage) };
  }
}
