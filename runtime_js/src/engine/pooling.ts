/** What is asked of a model that gives vectors, and what comes back. */

import type { Pooling } from "../storage/embedding_facts.ts";
import type { Prompt } from "./answer.ts";

/** Texts or tokens to make vectors of. */
export interface EmbeddingCall {
  readonly inputs: readonly Prompt[];
  /** Undefined: the model's own, and `last` of one that has none. */
  readonly pooling: Pooling | undefined;
  /** A name of the model's prompts. */
  readonly promptName: string | undefined;
  /** Whether a text that is too long loses its end; else it is refused. */
  readonly truncate: boolean;
  /** How many values of each vector are wanted; undefined: all. */
  readonly dimensions: number | undefined;
}

export interface Embeddings {
  /** float32 of each input. */
  readonly vectors: readonly Float32Array[];
  /** Of all inputs. */
  readonly tokens: number;
}
