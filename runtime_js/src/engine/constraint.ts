/** What may come next in an answer. The step loop asks it between steps; a grammar is one. */

export interface Constraint {
  /** Which tokens may come next: bit i of word w stands for token 32 w + i; undefined where all may. The next call may change it. */
  mask(): Uint32Array | undefined;
  /** Goes on behind a token. Raises an error for one that may not come. */
  accept(token: number): void;
  /** Takes back the tokens accepted last. */
  rollback(count: number): void;
  /** Tokens that come next whatever the model says; none where there is a choice. They are not accepted by this. */
  forced(): readonly number[];
  /** Whether an end token was accepted: nothing comes behind it. */
  readonly isEnded: boolean;
  /** Frees it; nothing else may be called then. */
  dispose(): void;
}
