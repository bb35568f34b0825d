/** What the scheduler needs of whoever computes the model. The GPU executor is one; tests have another. */

/** The KV cache as one step sees it. Views may be of memory that changes after the call. */
export interface CacheView {
  /** Page ids of the running sequence, with room for the step's tokens. */
  readonly pages: Int32Array;
  /** (source, destination) pages to copy before the step. */
  readonly copies: Int32Array;
}

export interface RunnerShape {
  /** Tokens that a sequence may have. */
  readonly contextLength: number;
  readonly pageSize: number;
  /** Tokens that one prefill call may have. */
  readonly prefillChunk: number;
}

/** Steps run in the order of the calls; a call submits its work at once and its promise tells the result. */
export interface ModelRunner {
  readonly shape: RunnerShape;
  /** Makes room for `pages` pages or more and returns how many there are. */
  reservePages(pages: number): Promise<number>;
  /** Adds `tokens` to the cache at `position`. */
  prefill(tokens: readonly number[], position: number, cache: CacheView): Promise<void>;
  /** The same, then samples the next token and leaves it on the GPU for `decode`. */
  prefillAndSample(tokens: readonly number[], position: number, cache: CacheView, sampling: Uint32Array): Promise<number>;
  /** Adds the token sampled last to the cache at `position` and samples the next. */
  decode(position: number, cache: CacheView, sampling: Uint32Array): Promise<number>;
}
