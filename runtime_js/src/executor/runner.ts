/** What the engine needs of whoever computes the model. The GPU executor is one; tests have another. */

import type { Tile } from "../media/picture.ts";

/** The cache of one sequence as one step sees it. Views may be of memory that changes after the call. */
export interface CacheView {
  /** Of each group: page ids of the sequence, with room for the step's tokens; -1 in front of the group's window. */
  readonly tables: readonly Int32Array[];
  /** (group, source, destination): pages to copy before the step. */
  readonly copies: Int32Array;
  /** Positions of the step's tokens by axis, of a model whose tokens have several: int32[tokens, axes]. Default: their places in the sequence, on each. */
  readonly turns?: Int32Array | undefined;
  /** Whether the sequence is, or will be, longer than `longestAlike`. */
  readonly isLong?: boolean | undefined;
  /**
   * Of a model with states in slots: where the step finds the state before it (-1: it is the first, and the state is zero), and leaves the
   * one after it. Of rows of one sequence, each reads what the row before writes.
   */
  readonly slots?: { readonly read: number; readonly write: number } | undefined;
}

/** Layers whose tokens see equally far: they share a pool of pages. */
export interface PageGroup {
  /** Tokens that a token sees, itself among them; null: all. */
  readonly window: number | null;
  /** Pages that a sequence as long as the context takes. */
  readonly pages: number;
}

/** Vectors of tokens that are no words, and have negative ids: of those of a call from the place `at` on, one behind the other. */
export interface TokenVectors {
  readonly at: number;
  readonly values: Float32Array<ArrayBuffer>;
}

export interface RunnerShape {
  /** Tokens that a sequence may have. */
  readonly contextLength: number;
  readonly pageSize: number;
  /** Tokens that one prefill call may have. */
  readonly prefillChunk: number;
  /** Tokens that one has at least, where a prompt is long enough: fewer take as long, or are not worth it. */
  readonly shortestChunk: number;
  /** Milliseconds that a token of a prompt takes at most, as far as the self-test tells; absent where nothing is known. */
  readonly tokenMs?: number | undefined;
  /** Rows that kernels of a decode step are made for, rising from 1: a call takes as long as one of the next of these numbers. None: there is no such step. */
  readonly rowCounts: readonly number[];
  /** Texts that one call of an embedding model may have; default: one. */
  readonly mostTexts?: number | undefined;
  /** Numbers that `encode` gives of a text: an embedding model's vector; of another the last token's state and the sum of all; 0 where there is no such step. */
  readonly pooledFloats: number;
  /** States of sequences that there is room for; 0 for a model whose states are all in pages. */
  readonly slots: number;
  readonly groups: readonly PageGroup[];
  /** Whether a step must be given the tokens of all its rows, since what the model has of them is read by the CPU. Default: it need not. */
  readonly needsTokens?: boolean | undefined;
  /** Of a tower: floats of the patches that one call may have. */
  readonly patchFloats?: number | undefined;
  /** Whether tokens of a picture see each other, so that it comes in one prefill call. Default: they do not. */
  readonly wholePictures?: boolean | undefined;
  /** A sequence of more tokens than so many is computed otherwise from its first on: what the cache holds of shorter ones is not its. Default: none is. */
  readonly longestAlike?: number | undefined;
}

/**
 * What a request's tokens and biases do to its logits, beside the numbers in `sampling`. It is written once, when a step first has it in its
 * control slot; from then on the runner counts the answer's tokens by itself.
 */
export interface Controls {
  readonly prompt: readonly number[];
  /** The answer's tokens that the cache holds already. */
  readonly answer: readonly number[];
  /** Added to the logits, by token. */
  readonly bias: ReadonlyMap<number, number>;
}

/**
 * Gives the tokens that may be sampled, a bit each: bit i of word w is token 32 w + i; undefined where all may. It is called once, when the
 * step's forward pass has been submitted, so that computing it costs no time of the GPU. What it gives may change after the call.
 */
export type TokenMask = () => Uint32Array | undefined;

/** How a row's next token is drawn. What is absent costs nothing. */
export interface Draw {
  /** uint32 words of the `sampling` buffer. */
  readonly sampling: Uint32Array;
  /** The same object in all of a request's steps. */
  readonly controls?: Controls | undefined;
  /** Of `controls`: their slot, from 0 to MAX_ROWS - 1, which is the request's alone as long as it lives. */
  readonly control?: number | undefined;
  /** How many of the step's last tokens are the answer's, which penalties count. Default: the one of a decode step, none of a prefill. */
  readonly counted?: number | undefined;
  readonly mask?: TokenMask | undefined;
  /** Asks for the logarithms of probabilities: of the token and of so many likeliest ones, 0 to MAX_TOP_LOGPROBS. */
  readonly topLogprobs?: number | undefined;
  /** Changes the model's logits, float32[vocabulary], in place. The step waits for it, and those behind the step do too. */
  readonly process?: ((logits: Float32Array) => void) | undefined;
}

/** One sequence's part of a decode step: one token goes into its cache, and the next is sampled. */
export interface Row extends Draw {
  readonly position: number;
  readonly cache: CacheView;
  /** The token at `position`. Absent, unless the runner needs it: the one that this row sampled in the step before, a decode step or, in row 0, a prefill. */
  readonly token?: number | undefined;
}

/** Natural logarithms of probabilities by the model's own logits, before anything is done to them. */
export interface TokenLogprobs {
  /** Of the token that was sampled. */
  readonly chosen: number;
  /** The likeliest tokens, the likeliest first. */
  readonly top: readonly { readonly token: number; readonly logprob: number }[];
}

/** What a step found out about one row. */
export interface StepResult {
  readonly token: number;
  /** Where `topLogprobs` asked for them. */
  readonly logprobs?: TokenLogprobs | undefined;
}

/** What makes vectors of pictures: a tower and what follows it. */
export interface PictureRunner {
  /** Floats of the patches that one call may have. */
  readonly mostFloats: number;
  /** The vectors of some tiles: float32[tokens of all, floats of a vector]. A call may come before the last is done. */
  encode(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>>;
}

/** Steps run in the order of the calls; a call submits its work at once and its promise tells the result. */
export interface ModelRunner {
  readonly shape: RunnerShape;
  /** Makes room for `pages` pages of a group or more and returns how many there are. */
  reservePages(group: number, pages: number): Promise<number>;
  /**
   * Adds `tokens` to the cache at `position`. `vectors`: of all that are negative. `isWanted`: a runner whose work takes long may ask it at any
   * time; once it is false, the call may end early with AbortError, and the cache holds some of the tokens, or none.
   */
  prefill(tokens: readonly number[], position: number, cache: CacheView, vectors?: readonly TokenVectors[], isWanted?: () => boolean): Promise<void>;
  /**
   * The same, and what is made of the tokens' final hidden states, behind the model's last norm: by an embedding model their vector, by others
   * float32[hidden_size] of the last of them, and behind it the sum of all. `texts`: how many tokens each of several texts has, which begin
   * with a page; their vectors come one behind the other. The first call compiles kernels; steps behind it wait.
   */
  encode(tokens: readonly number[], position: number, cache: CacheView, texts?: readonly number[]): Promise<Float32Array>;
  /** The same as `prefill`, then samples the next token and leaves it on the GPU for `decode`, in row 0. */
  prefillAndSample(tokens: readonly number[], position: number, cache: CacheView, draw: Draw, vectors?: readonly TokenVectors[], isWanted?: () => boolean): Promise<StepResult>;
  /**
   * One step of all rows in one submit: each row's token goes into its cache, and its next one is sampled; a row of null does nothing, and
   * its result says nothing. Rows may be of one sequence, one behind the other and at positions that follow each other. Where kernels for so
   * many rows are not prepared, the step and those behind it wait for them. `carried`: the row whose token row 0 of the step behind may take;
   * default: its own.
   */
  decode(rows: readonly (Row | null)[], carried?: number): Promise<readonly StepResult[]>;
  /** Compiles the kernels of steps of up to `rows` rows, while others run. */
  prepare(rows: number): Promise<void>;
}
