/** What is asked of a model that gives vectors, and what comes back. */

import type { Prompt } from "./answer.ts";

/** `last`: the state of the last token, which has seen all others; `mean`: the mean of all tokens' states. */
export const POOLINGS = ["last", "mean"] as const;
export type Pooling = (typeof POOLINGS)[number];

/** Texts or tokens to make vectors of. */
export interface EmbeddingCall {
  readonly inputs: readonly Prompt[];
  readonly pooling: Pooling;
}

export interface Embeddings {
  /** float32[hidden_size] of each input. */
  readonly vectors: readonly Float32Array[];
  /** Of all inputs. */
  readonly tokens: number;
}
