/** How a model's makers would have its tokens drawn, as the builder found it beside the weights. */

import { present, type Fields } from "../support/fields.ts";
import { MAX_VOCABULARY } from "../support/limits.generated.ts";

/** What they do not say is absent. */
export interface SamplingDefaults {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly minP?: number | undefined;
  readonly repetitionPenalty?: number | undefined;
}

export function readSamplingDefaults(sampling: Fields): SamplingDefaults {
  const number = (key: string, least: number, most: number): number | undefined => sampling.optional(key, () => sampling.number(key, least, most));
  return present({
    temperature: number("temperature", 0, 2), topP: number("top_p", 0, 1), topK: sampling.optional("top_k", (key) => sampling.integer(key, 0, MAX_VOCABULARY)),
    minP: number("min_p", 0, 1), repetitionPenalty: number("repetition_penalty", 0.01, 100),
  });
}
