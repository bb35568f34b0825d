/** What is asked of a model and what comes back, in the engine's own terms; and how tokens become text. */

import { elapsed } from "../support/elapsed.ts";
import type { TokenLogprobs } from "../executor/runner.ts";
import type { OutputEvent } from "../formats/events.ts";
import { OutputParser, type ParserOptions } from "../formats/parser.ts";
import type { Conversation } from "../tokenizer/conversation.ts";
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import { StopScanner } from "../tokenizer/stop_strings.ts";
import { FINISH_REASONS, type FinishReason, type GenerationListener } from "./generation.ts";
import type { Overflow } from "./overflow.ts";
import type { SamplingConfig } from "./sampling.ts";
import { NO_DRAFTS, type DraftCounts, type GuessRequest } from "./speculation.ts";
import type { Structure } from "./structure/structure.ts";
import type { GrammarTimes } from "./timed_constraint.ts";

/** A conversation to answer, or a text or tokens to continue; a text may have a `suffix`, which the answer leads up to. */
export type Prompt =
  | { readonly kind: "chat"; readonly conversation: Conversation }
  | { readonly kind: "text"; readonly text: string; readonly suffix?: string | undefined }
  | { readonly kind: "tokens"; readonly tokens: readonly number[] };

/** Which of the single steps of a text an answer is. */
export const STEP_PLACES = ["first", "next"] as const;
export type StepPlace = (typeof STEP_PLACES)[number];

/** Which tools an answer calls: those that the model wants, at least one, or this one. */
export type ToolChoice = { readonly kind: "auto" } | { readonly kind: "required" } | { readonly kind: "named"; readonly name: string };

export interface AnswerRequest {
  readonly prompt: Prompt;
  /** Default: up to the end of the context. */
  readonly maxTokens?: number | undefined;
  /** What is left out where the context is too short. Default: "error". */
  readonly overflow?: Overflow | undefined;
  readonly sampling: SamplingConfig;
  /** Which of several answers to the prompt it is: each draws its own. Default 0. */
  readonly choice?: number | undefined;
  /** Under this id the answer is kept while it comes, so that it can go on when its tab is killed. */
  readonly resumable?: string | undefined;
  /** Of those that wait for a turn a higher one goes first. Default 0. */
  readonly priority?: number | undefined;
  /** Tells the prompt's tokens as well, with their logprobs, before the answer's. */
  readonly recites?: boolean | undefined;
  /** It is one step, whose token is told; a logit processor keeps its state before each but the first of a text. */
  readonly step?: StepPlace | undefined;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
  /** It also ends with one of these. */
  readonly stopTokens?: readonly number[] | undefined;
  /** The model's own end tokens do not end it. */
  readonly ignoreEos?: boolean | undefined;
  /** How what comes may be guessed. */
  readonly guesses?: GuessRequest | undefined;
  /** What the answer's text must look like. */
  readonly structure?: Structure | undefined;
  /** Whether one answer may call several tools; default: true. */
  readonly parallelToolCalls?: boolean | undefined;
  /** Calls are told apart also where the conversation names no tools; default: they are text then. */
  readonly tellsCalls?: boolean | undefined;
  /** Default: the model's. */
  readonly toolChoice?: ToolChoice | undefined;
  /** Tokens that a thought may have; default: no limit. */
  readonly thinkingBudget?: number | undefined;
  /** Names of the tools whose calls must be as their schemas say. */
  readonly strictTools?: readonly string[] | undefined;
}

/** The same request with a seed of its own, so that what is begun again is drawn as it would have been. */
export function seeded(request: AnswerRequest): AnswerRequest {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return { ...request, sampling: { ...request.sampling, seed: request.sampling.seed ?? random } };
}

export interface TokenCounts {
  readonly prompt: number;
  /** Of the prompt, already in the KV cache. */
  readonly cached: number;
  readonly completion: number;
  /** Of those, in thoughts. */
  readonly reasoning: number;
  /** Of those, guessed; and guesses that were computed for nothing. */
  readonly accepted: number;
  readonly rejected: number;
}

/** Why an answer ended: as its generation did, or with calls of tools. */
export const ANSWER_ENDS = [...FINISH_REASONS, "tool_calls"] as const;
export type AnswerFinish = (typeof ANSWER_ENDS)[number];

/** How long the parts of an answer took, in milliseconds. */
export interface AnswerTimes {
  /** Until its turn came. */
  readonly queued: number;
  /** Until the first token. */
  readonly prefill: number;
  /** From the first token to the end. */
  readonly decode: number;
  /** Of an answer of a form, as a part of these. */
  readonly grammar?: GrammarTimes | undefined;
}

/** Of a token of the prompt; nothing comes before the first, whose logprob means nothing. */
export const PROMPT_PLACES = ["first", "rest"] as const;
export type PromptPlace = (typeof PROMPT_PLACES)[number];

/** What an answer is made of. The last event is its end; an answer that fails has none. */
export type AnswerEvent =
  /** `logprobs`: where the request asks for them, but for tokens that are in no text: one that ends an answer, and those of a stop string. */
  | { readonly type: "token"; readonly token: number; readonly logprobs?: ToldLogprobs | undefined; readonly prompt?: PromptPlace | undefined }
  /** What is certain with the tokens before it. */
  | OutputEvent
  | { readonly type: "end"; readonly finishReason: AnswerFinish; readonly tokens: TokenCounts; readonly times: AnswerTimes };

type TokenEvent = Extract<AnswerEvent, { type: "token" }>;

/** A token's text alone, its bytes in the answer's text (null: it has none there), and the logarithm of its probability. */
export interface LikelyToken {
  readonly text: string;
  readonly bytes: readonly number[] | null;
  readonly logprob: number;
}

/** Of a token, and of the likeliest ones in its place. */
export interface ToldLogprobs extends LikelyToken {
  readonly top: readonly LikelyToken[];
}

/** What is less likely is told as this, as OpenAI does: JSON has no infinity. */
const LEAST_LOGPROB = -9999;

interface Sink {
  push(event: AnswerEvent): void;
  end(): void;
  fail(error: unknown): void;
}

/** Turns the tokens of one generation into events. */
export class AnswerWriter implements GenerationListener {
  readonly #detokenizer: Detokenizer;
  readonly #scanner: StopScanner;
  readonly #parser: OutputParser;
  readonly #eosTokenIds: ReadonlySet<number>;
  readonly #sink: Sink;
  readonly #promptTokens: number;
  readonly #grammar: GrammarTimes | undefined;
  readonly #asked = performance.now();
  #begun = this.#asked;
  #first: number | null = null;
  /** Tokens of the prompt that are still to come; null where none of them is told. */
  #recited: number | null = null;
  #completion = 0;
  #reasoning = 0;
  /** Tokens with logprobs whose text may be a stop string's, and what came behind them; and where their texts begin. */
  readonly #held: { readonly event: TokenEvent; readonly from: number }[] = [];
  /** Characters that were read, and of these those that are certain. */
  #read = 0;
  #certain = 0;
  #isStopped = false;

  constructor(
    promptTokens: number, stop: readonly string[], eosTokenIds: ReadonlySet<number>, detokenizer: Detokenizer, parse: ParserOptions, sink: Sink,
    grammar?: GrammarTimes,
  ) {
    this.#promptTokens = promptTokens;
    this.#parser = new OutputParser(parse, (event) => sink.push(event));
    this.#scanner = new StopScanner(stop);
    this.#eosTokenIds = eosTokenIds;
    this.#detokenizer = detokenizer;
    this.#sink = sink;
    this.#grammar = grammar;
  }

  begin(): void {
    this.#begun = performance.now();
  }

  /** The prompt's tokens come before the answer's, but for this one, the first of so many. */
  recite(first: number, count: number): void {
    this.#recited = count - 1;
    this.#sink.push({ type: "token", token: first, prompt: "first", logprobs: this.#told(first, { chosen: 0, top: [] }) });
  }

  token(token: number, logprobs?: TokenLogprobs): boolean {
    if (this.#recited !== null && this.#recited > 0) {
      this.#recited--;
      this.#sink.push({ type: "token", token, prompt: "rest", ...(logprobs !== undefined && { logprobs: this.#told(token, logprobs) }) });
      return false;
    }
    this.#first ??= performance.now();
    this.#completion++;
    const isLast = this.#eosTokenIds.has(token);
    this.#hold({ type: "token", token, ...(logprobs !== undefined && !isLast && { logprobs: this.#told(token, logprobs) }) });
    const wasThinking = this.#parser.isThinking;
    const isEnd = isLast || this.#isEndOf(token);
    if (wasThinking || this.#parser.isThinking) this.#reasoning++;
    return isEnd;
  }

  end(finishReason: FinishReason, cached: number, drafts: DraftCounts = NO_DRAFTS): void {
    const { accepted, drafted } = this.#recited === null ? drafts : NO_DRAFTS; // a prompt's own tokens are no guesses
    this.#tell(Infinity);
    this.#parser.push(this.#scanner.end());
    this.#parser.end();
    const finished = performance.now();
    const first = this.#first ?? finished;
    this.#sink.push({
      type: "end",
      finishReason: finishReason === "stop" && this.#parser.calls > 0 && !(this.#isStopped && this.#parser.isCut) ? "tool_calls" : finishReason,
      tokens: { prompt: this.#promptTokens, cached: Math.min(cached, this.#promptTokens), completion: this.#completion, reasoning: this.#reasoning, accepted, rejected: drafted - accepted },
      times: { queued: elapsed(this.#asked, this.#begun), prefill: elapsed(this.#begun, first), decode: elapsed(first, finished), ...(this.#grammar !== undefined && { grammar: { ...this.#grammar } }) },
    });
    this.#sink.end();
  }

  fail(error: unknown): void {
    this.#sink.fail(error);
  }

  #told(token: number, { chosen, top }: TokenLogprobs): ToldLogprobs {
    const likely = (id: number, logprob: number): LikelyToken => {
      const bytes = this.#detokenizer.bytesOf(id);
      return { text: this.#detokenizer.nameOf(id), bytes: bytes === undefined ? null : [...bytes], logprob: Math.max(logprob, LEAST_LOGPROB) };
    };
    return { ...likely(token, chosen), top: top.map((one) => likely(one.token, one.logprob)) };
  }

  #hold(event: TokenEvent): void {
    if (event.logprobs === undefined && this.#held.length === 0) this.#sink.push(event);
    else this.#held.push({ event, from: this.#read });
  }

  /** Those whose text begins before this place. */
  #tell(end: number): void {
    const count = this.#held.findIndex(({ from }) => from >= end);
    for (const { event } of this.#held.splice(0, count < 0 ? this.#held.length : count)) this.#sink.push(event);
  }

  /** Whether the answer ends with the text of this token. */
  #isEndOf(token: number): boolean {
    const read = this.#detokenizer.push(token);
    const { text, stopped } = this.#scanner.push(read);
    this.#read += read.length;
    this.#certain += text.length;
    this.#tell(this.#certain);
    if (stopped) for (const { event } of this.#held.splice(0)) this.#sink.push({ ...event, logprobs: undefined });
    this.#isStopped = stopped;
    this.#parser.push(text);
    return stopped || this.#parser.isOver;
  }
}
