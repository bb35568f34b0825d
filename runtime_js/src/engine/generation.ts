/** One answer on its way: what was asked, and how far it has come. */

import type { CacheView, Draw, TokenLogprobs, TokenMask, TokenVectors } from "../executor/runner.ts";
import type { Constraint } from "./constraint.ts";
import { withoutOldest } from "./overflow.ts";
import { MAX_DEPTH, type StepPace } from "./pace.ts";
import type { Sampler } from "./sampler.ts";
import type { Sequence } from "./sequences.ts";
import type { DraftSource } from "./draft_source.ts";
import { Speculation, type DraftCounts } from "./speculation.ts";
import { hasToken } from "./token_set.ts";

export const FINISH_REASONS = ["stop", "length", "abort"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/** Who takes the states of a prompt, instead of tokens behind it. */
export interface StateListener {
  /** Whether it needs those of all tokens, those too that the cache knows already. */
  readonly needsAll: boolean;
  /** Whether they must come in one chunk, because tokens see what is behind them. What the cache holds of them then is nobody's. */
  readonly isWhole: boolean;
  /** How many tokens each of several texts has, which the prompt is of; undefined: it is one. */
  readonly texts?: readonly number[] | undefined;
  /** What `encode` gives of the tokens from `position` on, in order; a prompt may begin again. */
  take(states: Promise<Float32Array>, position: number): void;
}

/** Has the vectors of tokens that are no words. */
export interface VectorSource {
  /** Those of all negative ones of these tokens; a promise where they must be computed first, for as long as somebody wants them. */
  of(tokens: readonly number[], isWanted: () => boolean): readonly TokenVectors[] | Promise<unknown>;
  /** Positions by axis of some tokens of a sequence that begins with these: int32[count, 3]. */
  turns(tokens: readonly number[], from: number, count: number): Int32Array;
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
  /** Who guesses what may come; nobody where there are none. */
  readonly drafts?: readonly DraftSource[] | undefined;
  /** Of a prompt with tokens that are no words, which have negative ids. */
  readonly vectors?: VectorSource | undefined;
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
  end(reason: FinishReason, cached: number, drafts: DraftCounts): void;
  fail(error: unknown): void;
}

function isSame(a: Uint32Array | undefined, b: Uint32Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.length === b.length && a.every((word, i) => word === b[i]);
}

/** A row that checks a guess: the token at its place, undefined where the GPU has that, and what may come behind it. */
export interface GuessedRow {
  readonly token: number | undefined;
  readonly allowed: Uint32Array | undefined;
}

function mayCome(mask: Uint32Array | undefined, token: number): boolean {
  return mask === undefined || hasToken(mask, token);
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
  /** Whether it waits for its draft model, or for vectors of its prompt. */
  isAsking = false;
  /** Where the rest of its prompt is not computed any more, since it ended. */
  left: Sequence | null = null;
  /** Whether its turn has come once. */
  hasBegun = false;
  /**
   * With a constraint: the mask behind the latest token that was known. Steps that are submitted ahead draw under it, as it mostly stays as it
   * is; a token that was drawn under another mask than its own does not count, and is drawn again.
   */
  #mask: Uint32Array | undefined;
  /** Whether that is the mask behind all that is known. */
  #isMaskKnown = false;
  /** How many steps may be ahead of a token that is not read yet: each that was right is followed by more. */
  #trust = 1;
  readonly #speculation: Speculation;
  /** Of the tokens to be read, those that rows under way take for granted; undefined where such a row has it from the GPU. */
  #assumed: (number | undefined)[] = [];

  constructor(readonly request: GenerationRequest, readonly contextLength: number, readonly listener: GenerationListener) {
    this.priority = request.priority ?? 0;
    this.tokens = [...request.prompt];
    this.counted = request.prompt.length;
    const { isStepwise } = request.sampler;
    this.#speculation = new Speculation(isStepwise || request.states !== undefined ? [] : request.drafts ?? []);
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

  /**
   * Whether a step may be submitted for it, where at most so many rows can be taken back in its midst. At its end there may be more: what
   * goes on from there begins with an earlier state.
   */
  isReady(mostBack: number): boolean {
    const { constraint, sampler } = this.request;
    if (!this.isOnGpu) return true;
    const isSure = constraint === undefined && this.#assumed.every((token) => token === undefined);
    if (!isSure && this.sampled - this.read >= mostBack) return false;
    if (sampler.isStepwise || (constraint !== undefined && sampler.isCounting)) return false;
    return constraint === undefined || this.sampled - this.read <= this.#trust;
  }

  /** How the token behind the next `count` ones is drawn. With a constraint, these are all that is known. */
  draw(count: number): Draw {
    const { constraint } = this.request;
    const isAhead = this.isOnGpu;
    const mask = constraint && (() => {
      if (!isAhead && !this.isEnded) this.#learnMask(constraint);
      return this.#mask;
    });
    return this.#drawBehind(this.position + count, this.position, mask);
  }

  /** The token behind place `end`, of a step that brings in those from `begin` on. */
  #drawBehind(end: number, begin: number, mask: TokenMask | undefined): Draw {
    const draw = this.request.sampler.next();
    const counted = Math.max(0, end - Math.max(begin, this.counted));
    return { ...draw, control: this.control, counted, process: draw.process && this.#own(draw.process), mask: mask && this.#own(mask) };
  }

  /** Work in a step that others have rows in, too: what it throws fails this one alone, whose token counts for nothing then. */
  #own<Given extends readonly unknown[], Result>(work: (...given: Given) => Result): (...given: Given) => Result | undefined {
    return (...given) => {
      try {
        return work(...given);
      } catch (error) {
        this.fail(error);
        return undefined;
      }
    };
  }

  /** How the token behind row `index` of a step is drawn, which checks a guess. */
  drawGuessed(index: number, allowed: Uint32Array | undefined): Draw {
    const begin = this.position + index;
    return this.#drawBehind(begin + 1, begin, allowed && (() => allowed));
  }

  /** How often a token of what is guessed now was right lately; 0 where nothing is. */
  get acceptance(): number {
    return this.#speculation.draft(this.tokens, 1).acceptance;
  }

  /** The same of whoever guesses best, though it may not know what comes now. */
  get promise(): number {
    return this.#speculation.promise;
  }

  /** How many tokens its draft model should be asked for. */
  draftsWanted(rowCounts: readonly number[], pace: StepPace): number {
    return Math.min(this.#speculation.wanted(this.tokens, rowCounts, pace), this.limit - this.sampled - 1);
  }

  /** Asks its draft model; no step is submitted for it meanwhile. */
  async ask(count: number): Promise<void> {
    this.isAsking = true;
    await this.#speculation.ask(this.tokens, count);
    this.isAsking = false;
  }

  /** Whether it is known what rows under way were told of what may come. */
  get isGuessable(): boolean {
    return this.request.constraint === undefined || !this.#assumed.includes(undefined);
  }

  /**
   * Rows of a step that checks guesses, at most `most`: of the next token, and of those guessed behind it. `hasToken`: whether the GPU has
   * the next one in its place; else it is guessed, too. None where nothing is guessed.
   */
  guess(most: number, hasToken: boolean, mostBack: number): readonly GuessedRow[] {
    const { constraint, eosTokenIds } = this.request;
    const ahead = this.sampled - this.read;
    const room = Math.min(most, this.limit - this.sampled, (this.sequence?.limit ?? 0) - this.position, mostBack - ahead);
    const { tokens } = this.#speculation.draft(this.tokens, Math.max(0, ahead + room - 1));
    if (this.#assumed.some((token, i) => token !== undefined && token !== tokens[i])) return [];
    const isGiven = ahead > 0 && hasToken && constraint === undefined;
    const first = ahead === 0 ? this.tokens.at(-1) : isGiven ? undefined : tokens[ahead - 1];
    if (first === undefined && !isGiven) return [];
    const end = tokens.findIndex((token, i) => i >= ahead && eosTokenIds.has(token)); // nothing comes behind it
    const rows = [first, ...tokens.slice(ahead, end < 0 ? undefined : end)].slice(0, Math.max(0, room));
    if (constraint === undefined) return rows.map((token) => ({ token, allowed: undefined }));
    const masks = this.#masksOf(constraint, rows);
    return masks.map((allowed, i) => ({ token: rows[i], allowed }));
  }

  /** What may come behind each of these tokens, up to the first that may not come itself. */
  #masksOf(constraint: Constraint, tokens: readonly (number | undefined)[]): (Uint32Array | undefined)[] {
    const masks: (Uint32Array | undefined)[] = [];
    let accepted = 0;
    const accept = (token: number): void => { constraint.accept(token); accepted++; };
    if (this.isOnGpu) for (const token of this.#assumed) if (token !== undefined) accept(token);
    for (const [i, token = 0] of tokens.entries()) {
      const isGuessed = i > 0 || this.isOnGpu;
      if (isGuessed && !mayCome(i > 0 ? masks[i - 1] : constraint.mask(), token)) break;
      if (isGuessed) accept(token);
      if (constraint.isEnded) break;
      masks.push(constraint.mask()?.slice());
    }
    constraint.rollback(accepted);
    return masks;
  }

  /** Rows of a step were submitted that take these tokens. */
  submitted(tokens: readonly (number | undefined)[]): void {
    this.#assumed.push(...(this.isOnGpu ? tokens : tokens.slice(1)));
    this.#speculation.drafted += tokens.filter((token, i) => token !== undefined && (i > 0 || this.isOnGpu)).length;
    this.sampled += tokens.length;
  }

  /**
   * Hands on a token that was read, and those behind it that can be no others, unless each is to be drawn for the sake of its logprobs.
   * Returns whether rows that are ahead of it count for nothing.
   */
  take(token: number, logprobs: TokenLogprobs | undefined): boolean {
    const ahead = this.sampled - this.read - 1;
    const assumed = this.#assumed.shift();
    if (assumed === token) this.#speculation.accepted++;
    this.#hear(token, logprobs);
    const { constraint } = this.request;
    const forced = constraint === undefined || this.isEnded || logprobs !== undefined ? [] : constraint.forced();
    const isRight = forced.length === 0 && (ahead === 0 || this.#isRight(token, assumed));
    if (!isRight) this.#back(ahead);
    for (const next of forced) {
      this.sampled++;
      this.request.sampler.pass();
      this.#hear(next, undefined);
      if (this.isEnded) break;
    }
    return !isRight && ahead > 0;
  }

  /** Whether the row behind a token was told the truth: of the token, where it was, and otherwise of what may come behind it. */
  #isRight(token: number, assumed: number | undefined): boolean {
    const { constraint } = this.request;
    if (assumed !== undefined) return assumed === token;
    if (constraint === undefined || this.isEnded) return true;
    const isRight = !this.#learnMask(constraint);
    this.#trust = isRight ? Math.min(MAX_DEPTH, this.#trust + 1) : 1;
    return isRight;
  }

  /** Takes back rows that were submitted. */
  #back(rows: number): void {
    const { sampler } = this.request;
    this.sampled = this.read;
    this.#assumed = [];
    sampler.back(rows);
    if (rows > 0 && sampler.isCounting && !this.isEnded) this.resume();
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
    this.#speculation.heard(this.tokens);
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

  /** Whether its sequence has no room for its next token, as it is computed. */
  get isOutgrown(): boolean {
    return !this.isOnGpu && this.sequence !== null && this.tokens.length > this.sequence.limit;
  }

  /** Leaves out what is in the middle. Keys hold their positions, so that what stays is computed again. */
  shift(): void {
    const kept = withoutOldest(this.tokens, this.contextLength);
    for (const [i, token] of kept.entries()) this.tokens[i] = token;
    this.tokens.length = kept.length;
  }

  /** Whoever computed it is gone: its steps begin again elsewhere, and what was drawn and not read is drawn again. */
  restart(): void {
    this.sequence = null;
    this.isAsking = false;
    this.#back(this.sampled - this.read);
    if (this.read === 0) this.cached = 0;
  }

  /** A view for `count` of its tokens, with their positions by axis, where a picture makes these differ. */
  turned(cache: CacheView, from: number, count: number): CacheView {
    const { vectors } = this.request;
    return vectors === undefined ? cache : { ...cache, turns: vectors.turns(this.tokens, from, count) };
  }

  begin(): void {
    if (!this.hasBegun) this.listener.begin();
    this.hasBegun = true;
  }

  end(reason: FinishReason): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.request.constraint?.dispose();
    this.listener.end(reason, this.cached, this.#speculation);
  }

  fail(error: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.request.constraint?.dispose();
    this.listener.fail(error);
  }
}
