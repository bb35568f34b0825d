/** What a request says of how its tokens are drawn, in the engine's terms. */

import { MAX_TOP_LOGPROBS } from "../executor/abi.generated.ts";
import { SAMPLING_RANGES, type SamplingDefaults } from "../storage/sampling_defaults.ts";
import { present, type Fields } from "../support/fields.ts";

/**
 * What is absent is as the model's own generation config says, and as OpenAI does where that says nothing: temperature 1, the others off.
 * The order is llama.cpp's: biases, the repetition penalty, frequency and presence penalties, a grammar; then top_k, top_p and min_p, which
 * count probabilities before the temperature; then the temperature.
 */
export interface SamplingConfig extends SamplingDefaults {
  /** Taken from a token's logit for each time that it is in the answer. */
  readonly frequencyPenalty?: number | undefined;
  /** Taken from it once where it is. */
  readonly presencePenalty?: number | undefined;
  /** Pairs of a token and what is added to its logit. */
  readonly logitBias?: readonly (readonly [token: number, bias: number])[] | undefined;
  /** Tells the logarithms of probabilities: of each token, and of so many likeliest ones. */
  readonly topLogprobs?: number | undefined;
  /** The same seed, prompt and model give the same answer; absent: a new one is drawn. */
  readonly seed?: number | undefined;
}

export const MAX_BIASES = 1024;
export const MOST_BIAS = 100;
/** No vocabulary is as large. */
export const MAX_TOKEN = 1 << 24;

const NUMBERS = { ...SAMPLING_RANGES, frequencyPenalty: [-2, 2], presencePenalty: [-2, 2] } as const;
const INTEGERS = {
  topK: [0, MAX_TOKEN], topLogprobs: [0, MAX_TOP_LOGPROBS], seed: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;
type NumberKey = keyof typeof NUMBERS;
type IntegerKey = keyof typeof INTEGERS;

/** Reads what is a number, under the names that the caller gives it. */
export function readSampling(fields: Fields, names: Readonly<Partial<Record<NumberKey | IntegerKey, string>>>): SamplingConfig {
  const number = (key: NumberKey): number | undefined => {
    const [least, most] = NUMBERS[key];
    return fields.optional(names[key] ?? key, (name) => fields.number(name, least, most));
  };
  const integer = (key: IntegerKey): number | undefined => {
    const [least, most] = INTEGERS[key];
    return fields.optional(names[key] ?? key, (name) => fields.integer(name, least, most));
  };
  return present({
    temperature: number("temperature"), topP: number("topP"), topK: integer("topK"), minP: number("minP"),
    frequencyPenalty: number("frequencyPenalty"), presencePenalty: number("presencePenalty"), repetitionPenalty: number("repetitionPenalty"),
    topLogprobs: integer("topLogprobs"), seed: integer("seed"),
  });
}
