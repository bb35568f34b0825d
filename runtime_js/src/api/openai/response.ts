/** Builds answers in OpenAI's shapes. */

import type { AnswerEvent, AnswerFinish, TokenCounts } from "../../engine/answer.ts";
import { chatLogprobs, textLogprobs } from "./logprobs.ts";
import { Message } from "./message.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionDelta, ChatCompletionFinishReason, ChatLogprobs, Completion, CompletionChunk,
  CompletionFinishReason, CompletionLogprobs, CompletionUsage, Ending,
} from "./types.ts";

type AnswerUse = Pick<Extract<AnswerEvent, { type: "end" }>, "tokens" | "times">;

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? (count * 1000) / milliseconds : 0;
}

/**
 * What the answers to one request used together, `choices` for each of its prompts, which counts once. They run side by side, so that the
 * longest times count.
 */
export function usage(ends: readonly AnswerUse[], choices = 1): CompletionUsage {
  const sum = (of: readonly AnswerUse[], count: keyof TokenCounts): number => of.reduce((total, { tokens }) => total + tokens[count], 0);
  const longest = (part: "queued" | "prefill" | "decode"): number => Math.max(0, ...ends.map(({ times }) => times[part]));
  const firsts = ends.filter((_, i) => i % choices === 0);
  const [prompt, cached, completion] = [sum(firsts, "prompt"), sum(firsts, "cached"), sum(ends, "completion")];
  const [queued, prefill, decode] = [longest("queued"), longest("prefill"), longest("decode")];
  const grammars = ends.flatMap(({ times: { grammar } }) => grammar ?? []);
  const decoded = Math.max(0, completion - ends.length); // the first tokens come from the prefill
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: {
      reasoning_tokens: sum(ends, "reasoning"), accepted_prediction_tokens: sum(ends, "accepted"), rejected_prediction_tokens: sum(ends, "rejected"),
    },
    extra: {
      e2e_latency_s: (queued + prefill + decode) / 1000,
      prefill_tokens_per_s: perSecond(prompt - cached, prefill),
      decode_tokens_per_s: perSecond(decoded, decode),
      time_to_first_token_s: (queued + prefill) / 1000,
      time_per_output_token_s: decoded > 0 ? decode / decoded / 1000 : 0,
      ...(grammars.length > 0 && {
        grammar_init_s: Math.max(...grammars.map(({ compile }) => compile)) / 1000,
        grammar_per_token_s: grammars.reduce((total, { masks }) => total + masks, 0) / Math.max(1, completion) / 1000,
      }),
    },
  };
}

/** How one kind of answer is written, whole (`W`) or in pieces (`P`). Made once for each request, whose id and time all pieces share. */
export interface ResponseShape<W, P> {
  /** Takes an event of choice `index`, and gives what a stream says of it. */
  take(index: number, event: AnswerEvent): P[];
  /** What was taken. */
  whole(used: CompletionUsage): W;
  usage(used: CompletionUsage): P;
}

interface Common {
  id: string;
  created: number;
  model: string;
}

function common(prefix: string, model: string): Common {
  return { id: `${prefix}-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}

/** A choice as it grows; a stream says nothing of one before its first event. */
interface ChatChoice {
  readonly message: Message;
  readonly logprobs: ReturnType<typeof chatLogprobs>;
  ending: Ending<ChatCompletionFinishReason>;
}

interface TextChoice {
  text: string;
  readonly logprobs: ReturnType<typeof textLogprobs>;
  ending: Ending<CompletionFinishReason>;
}

const STOPPED = { finish_reason: "stop" } as const;
const OPEN = { finish_reason: null } as const;

function endingOf(reason: AnswerFinish): Ending<ChatCompletionFinishReason> {
  return reason === "abort" ? { ...STOPPED, interrupted: true } : { finish_reason: reason };
}

/** A text that is continued calls nothing. */
function textEndingOf(reason: AnswerFinish): Ending<CompletionFinishReason> {
  return reason === "abort" ? { ...STOPPED, interrupted: true } : reason === "length" ? { finish_reason: reason } : STOPPED;
}

/** In the order of their indices, whichever came first. */
function inOrder<T>(choices: ReadonlyMap<number, T>): [number, T][] {
  return [...choices].sort(([a], [b]) => a - b);
}

export class ChatShape implements ResponseShape<ChatCompletion, ChatCompletionChunk> {
  readonly #common: Common;
  readonly #choices = new Map<number, ChatChoice>();

  constructor(model: string) {
    this.#common = common("chatcmpl", model);
  }

  take(index: number, event: AnswerEvent): ChatCompletionChunk[] {
    const known = this.#choices.get(index);
    const choice = known ?? { message: new Message(), logprobs: chatLogprobs(), ending: STOPPED };
    if (known === undefined) this.#choices.set(index, choice);
    const opening = known === undefined ? [this.#chunk(index, { role: "assistant", content: "" }, OPEN, null)] : [];
    switch (event.type) {
      case "token":
        choice.logprobs.add(event.logprobs);
        return opening;
      case "end":
        choice.ending = endingOf(event.finishReason);
        return [...opening, this.#chunk(index, {}, choice.ending, choice.logprobs.next())];
      default:
        return [...opening, this.#chunk(index, choice.message.add(event), OPEN, choice.logprobs.next())];
    }
  }

  whole(used: CompletionUsage): ChatCompletion {
    const choices = inOrder(this.#choices).map(([index, { message, ending, logprobs }]) => (
      { index, message: message.toOpenAI(), ...ending, logprobs: logprobs.whole() }));
    return { ...this.#common, object: "chat.completion", choices, usage: used };
  }

  #chunk(
    index: number, delta: ChatCompletionDelta, ending: Ending<ChatCompletionFinishReason | null>, logprobs: ChatLogprobs | null,
  ): ChatCompletionChunk {
    return { ...this.#common, object: "chat.completion.chunk", choices: [{ index, delta, ...ending, logprobs }] };
  }

  usage(used: CompletionUsage): ChatCompletionChunk {
    return { ...this.#common, object: "chat.completion.chunk", choices: [], usage: used };
  }
}

export class TextShape implements ResponseShape<Completion, CompletionChunk> {
  readonly #common: Common;
  readonly #choices = new Map<number, TextChoice>();
  readonly #echoOf: (index: number) => string;

  /** `echoOf`: what the text of each choice begins with. */
  constructor(model: string, echoOf: (index: number) => string) {
    this.#common = common("cmpl", model);
    this.#echoOf = echoOf;
  }

  take(index: number, event: AnswerEvent): CompletionChunk[] {
    const known = this.#choices.get(index);
    const choice = known ?? { text: this.#echoOf(index), logprobs: textLogprobs(), ending: STOPPED };
    if (known === undefined) this.#choices.set(index, choice);
    const opening = known === undefined && choice.text !== "" ? [this.#piece(index, choice.text, OPEN, null)] : [];
    switch (event.type) {
      case "token":
        // Nothing is before a prompt's first token: NaN, which JSON writes as the null that OpenAI's server sends.
        choice.logprobs.add(event.logprobs && event.prompt === "first" ? { ...event.logprobs, logprob: Number.NaN } : event.logprobs);
        return opening;
      case "text":
        choice.text += event.text;
        return [...opening, this.#piece(index, event.text, OPEN, choice.logprobs.next())];
      case "end":
        choice.ending = textEndingOf(event.finishReason);
        return [...opening, this.#piece(index, "", choice.ending, choice.logprobs.next())];
      default:
        return opening;
    }
  }

  whole(used: CompletionUsage): Completion {
    const choices = inOrder(this.#choices).map(([index, { text, ending, logprobs }]) => (
      { index, text, ...ending, logprobs: logprobs.whole() }));
    return { ...this.#common, object: "text_completion", choices, usage: used };
  }

  #piece(index: number, text: string, ending: Ending<CompletionFinishReason | null>, logprobs: CompletionLogprobs | null): CompletionChunk {
    return { ...this.#common, object: "text_completion", choices: [{ index, text, ...ending, logprobs }] };
  }

  usage(used: CompletionUsage): CompletionChunk {
    return { ...this.#common, object: "text_completion", choices: [], usage: used };
  }
}
