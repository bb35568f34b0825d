/** One answer on its way: what was asked, and how far it has come. */

import type { Draw, PooledStates, TokenLogprobs } from "../executor/runner.ts";
import type { Constraint } from "./constraint.ts";
import { SINKS } from "./overflow.ts";
import { MAX_DEPTH } from "./pace.ts";
import type { Sampler } from "./sampler.ts";
import type { Sequence } from "./sequences.ts";

export const FINISH_REASONS = ["stop", "length", "abort"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/** Who takes the states of a prompt, instead of tokens behind it. */
export interface StateListener {
  /** Whether it needs those of all tokens, those too that the cache knows already. */
  readonly needsAll: boolean;
  /** Of the tokens from `position` on; a prompt may begin again. */
  take(states: Promise<PooledStates>, position: number, isLast: boolean): void;
}

export interface GenerationRequest {
  /** Shorter than the context. */
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly sampler: Sampler;
  /** Whether it goes on beyond the context: of its tokens the first few and the newest half stay then. */
  readonly shifts?: boolean | undefined;
  /** Higher goes first; default 0. */
  readonly priority?: number | undefined;
  /** What may come; the generation disposes of it when it ends. */
  readonly constraint?: Constraint | undefined;
  /** Ends with the prompt: no token is sampled. */
  readonly states?: StateListener | undefined;
}

/** Who hears of a generation. Every generation that was added ends with one call of `end` or `fail`, and no call comes after it. */
export interface GenerationListener {
  /** Its turn has come. */
  begin(): void;
  /** The next token, an end token too. Returns whether the answer ends with it. */
  token(token: number, logprobs?: TokenLogprobs): boolean;
  /** `cached`: tokens of the prompt that were in the cache already. */
  end(reason: FinishReason, cached: number): void;
  fail(error: unknown): void;
}

function isSame(a: Uint32Array | undefined, b: Uint32Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.length === b.length && a.every((word, i) => word === b[i]);
}

export class Generation {
  readonly priority: number;
  /** Tokens that may come. */
  readonly limit: number;
  /** The prompt, and all that was read of the answer, but for what was left out of the context. */
  readonly tokens: number[];
  readonly #answer: number[] = [];
  /** Where its tokens are; null while it waits. */
  sequence: Sequence | null = null;
  /** Its slot for penalties and biases while it runs. */
  control = 0;
  /** Of its tokens, how many penalties count without being told: the prompt, and what there was of the answer when it began again. */
  counted: number;
  /** Tokens sampled by steps that were submitted, and those of them that were read. */
  sampled = 0;
  read = 0;
  cached = 0;
  /** The number of the latest step that it had a row in. */
  latestStep = 0;
  isEnded = false;
  #hasBegun = false;
  /**
   * With a constraint: the mask behind the latest token that was known. Steps that are submitted ahead draw under it, as it mostly stays as it
   * is; a token that was drawn under another mask than its own does not count, and is drawn again.
   */
  #mask: Uint32Array | undefined;
  /** Whether that is the mask behind all that is known. */
  #isMaskKnown = false;
  /** How many steps may be ahead of a token that is not read yet: each that was right is followed by more. */
  #trust = 1;

  constructor(readonly request: GenerationRequest, readonly contextLength: number, readonly listener: GenerationListener) {
    this.priority = request.priority ?? 0;
    this.tokens = [...request.prompt];
    this.counted = request.prompt.length;
    this.limit = request.shifts === true ? request.maxTokens : Math.min(request.maxTokens, contextLength - request.prompt.length);
  }

  /** Whether its next token is known to the GPU alone: a step that samples it was submitted, and not read. */
  get isOnGpu(): boolean {
    return this.sampled > this.read;
  }

  /** Tokens that are in the cache, read or not. */
  get position(): number {
    return this.isOnGpu ? this.tokens.length + this.sampled - this.read - 1 : this.sequence?.tokens.length ?? 0;
  }

  /** Known tokens that are not in the cache. */
  get pending(): number {
    return this.isOnGpu ? 0 : this.tokens.length - this.position;
  }

  /** Whether a step may be submitted for it. */
  get isReady(): boolean {
    const { constraint, sampler } = this.request;
    if (!this.isOnGpu) return true;
    if (sampler.isStepwise || (constraint !== undefined && sampler.isCounting)) return false;
    return constraint === undefined || this.sampled - this.read <= this.#trust;
  }

  /** How the token behind the next `count` ones is drawn. With a constraint, these are all that is known. */
  draw(count: number): Draw {
    const end = this.position + count;
    const counted = Math.max(0, end - Math.max(this.position, this.counted));
    const { constraint, sampler } = this.request;
    const isAhead = this.isOnGpu;
    const mask = constraint && (() => {
      if (!isAhead && !this.isEnded) this.#learnMask(constraint);
      return this.#mask;
    });
    return { ...sampler.next(), control: this.control, counted, mask };
  }

  /**
   * Hands on a token that was read, and those behind it that can be no others, unless each is to be drawn for the sake of its logprobs.
   * Returns whether steps that are ahead of it count for nothing.
   */
  take(token: number, logprobs: TokenLogprobs | undefined): boolean {
    const ahead = this.sampled - this.read - 1;
    this.#hear(token, logprobs);
    const { constraint, sampler } = this.request;
    if (this.isEnded || constraint === undefined) return false;
    const forced = logprobs === undefined ? constraint.forced() : [];
    const isRight = forced.length === 0 && (ahead === 0 || !this.#learnMask(constraint));
    if (ahead > 0) this.#trust = isRight ? Math.min(MAX_DEPTH, this.#trust + 1) : 1;
    if (!isRight) {
      this.sampled = this.read;
      sampler.back(ahead);
    }
    for (const next of forced) {
      this.sampled++;
      this.#hear(next, undefined);
      if (this.isEnded) break;
    }
    return !isRight && ahead > 0;
  }

  /** Asks for the mask, once behind each token. Returns whether it is another than the one before. */
  #learnMask(constraint: Constraint): boolean {
    if (this.#isMaskKnown) return false;
    const mask = constraint.mask();
    this.#isMaskKnown = true;
    if (isSame(this.#mask, mask)) return false;
    this.#mask = mask?.slice();
    return true;
  }

  #hear(token: number, logprobs: TokenLogprobs | undefined): void {
    const { constraint, eosTokenIds } = this.request;
    this.read++;
    this.tokens.push(token);
    this.#answer.push(token);
    constraint?.accept(token);
    this.#isMaskKnown = false;
    this.request.sampler.sampled(token);
    const isEnd = this.listener.token(token, logprobs) || eosTokenIds.has(token) || constraint?.isEnded === true;
    if (isEnd) this.end("stop");
    else if (this.read >= this.limit) this.end("length");
  }

  /** Its steps begin again, with all that is known by now. */
  resume(): void {
    this.request.sampler.resume([...this.#answer]);
    this.counted = this.tokens.length;
  }

  /** Whether the context has no room for its next token. */
  get isFull(): boolean {
    return !this.isOnGpu && this.tokens.length > this.contextLength;
  }

  /** Leaves out what is in the middle. Keys hold their positions, so that what stays is computed again. */
  shift(): void {
    this.tokens.splice(SINKS, this.tokens.length - (this.contextLength >> 1));
  }

  /** Whoever computed it is gone: its steps begin again elsewhere, and what was drawn and not read is drawn again. */
  restart(): void {
    this.sequence = null;
    this.request.sampler.back(this.sampled - this.read);
    this.sampled = this.read;
    if (this.read === 0) this.cached = 0;
  }

  begin(): void {
    if (!this.#hasBegun) this.listener.begin();
    this.#hasBegun = true;
  }

  end(reason: FinishReason): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.request.constraint?.dispose();
    this.listener.end(reason, this.cached);
  }

  fail(error: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.request.constraint?.dispose();
    this.listener.fail(error);
  }
}
