/** GPU memory that a model takes, in bytes. */
export interface MemoryEstimate {
  readonly weights: number;
  /** The KV cache of one conversation as long as the context window; it begins smaller, and grows. */
  readonly cache: number;
  /** What a step works in, and states of a fixed size. */
  readonly workspace: number;
  readonly total: number;
  /** Tokens that the cache is counted for. */
  readonly contextLength: number;
}
