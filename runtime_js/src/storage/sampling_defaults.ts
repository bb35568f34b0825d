/** How a model's makers would have its tokens drawn, as the builder found it beside the weights. */

import { present, type Fields } from "../support/fields.ts";
import { MAX_REPETITION_PENALTY, MAX_TEMPERATURE, MAX_VOCABULARY, MIN_REPETITION_PENALTY } from "../support/limits.generated.ts";

/** What they do not say is absent. */
export interface SamplingDefaults {
  /** 0 takes the likeliest token. */
  readonly temperature?: number | undefined;
  /** Draws from the likeliest tokens whose probabilities reach this sum; 1 draws from all. */
  readonly topP?: number | undefined;
  /** Draws from so many likeliest tokens; 0 draws from all. */
  readonly topK?: number | undefined;
  /** Draws from tokens at least so probable, in proportion to the likeliest. */
  readonly minP?: number | undefined;
  /** Divides positive logits, and multiplies others, of tokens that are in the prompt or the answer. */
  readonly repetitionPenalty?: number | undefined;
}

/** What suits a person's chat with most models, where their makers say nothing: an API's own default, 1 and 1, is too bold for small ones. */
export const CHAT_SAMPLING = { temperature: 0.7, topP: 0.95 } as const;

/** Least and most, wherever such a number is given. */
export const SAMPLING_RANGES = {
  temperature: [0, MAX_TEMPERATURE], topP: [0, 1], minP: [0, 1], repetitionPenalty: [MIN_REPETITION_PENALTY, MAX_REPETITION_PENALTY],
} as const;

export function readSamplingDefaults(sampling: Fields): SamplingDefaults {
  const number = (name: keyof typeof SAMPLING_RANGES, key: string): number | undefined => {
    const [least, most] = SAMPLING_RANGES[name];
    return sampling.optional(key, () => sampling.number(key, least, most));
  };
  return present({
    temperature: number("temperature", "temperature"), topP: number("topP", "top_p"),
    topK: sampling.optional("top_k", (key) => sampling.integer(key, 0, MAX_VOCABULARY)),
    minP: number("minP", "min_p"), repetitionPenalty: number("repetitionPenalty", "repetition_penalty"),
  });
}
