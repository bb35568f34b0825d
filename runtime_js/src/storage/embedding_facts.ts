/** How a model makes vectors that was published for that, as the builder found it beside the weights. */

import type { Fields } from "../support/fields.ts";
import { MAX_CONTEXT } from "../support/limits.generated.ts";

/** `last`: the state of the last token, which has seen all others; `mean`: the mean of all tokens' states; `cls`: the state of the first. */
export const POOLINGS = ["last", "mean", "cls"] as const;
export type Pooling = (typeof POOLINGS)[number];

export interface EmbeddingFacts {
  readonly pooling: Pooling;
  /** Whether a text is computed in one call. */
  readonly whole: boolean;
  /** Of a text. */
  readonly maxTokens: number;
  /** What comes before a text, by what it is for. */
  readonly prompts: ReadonlyMap<string, string>;
  /** The one of them that a text gets where a request does not say. */
  readonly defaultPrompt: string | undefined;
}

/** Characters of a prompt, and of its name. */
const MAX_PROMPT = 4096;

export function readEmbeddingFacts(facts: Fields): EmbeddingFacts {
  const prompts = facts.object("prompts");
  return {
    pooling: facts.oneOf("pooling", POOLINGS),
    whole: facts.boolean("whole"),
    maxTokens: facts.integer("max_tokens", 1, MAX_CONTEXT),
    prompts: new Map(prompts.keys().map((name) => [name, prompts.string(name, MAX_PROMPT)])),
    defaultPrompt: facts.optional("default_prompt", (key) => facts.string(key, MAX_PROMPT)),
  };
}
