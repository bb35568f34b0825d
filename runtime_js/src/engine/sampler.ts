/** How a request's tokens are drawn: the words of the `sampling` buffer, which the GPU's kernels read, and what goes with them. */

import { SAMPLING_WORDS } from "../executor/abi.generated.ts";
import type { Controls, Draw } from "../executor/runner.ts";

/**
 * What is absent is off. The order: biases, the repetition penalty, frequency and presence penalties, a grammar; then top_k, top_p and min_p,
 * which count probabilities before the temperature; then the temperature.
 */
export interface SamplingConfig {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** Draws from the likeliest tokens whose probabilities reach this sum; 1 draws from all. */
  readonly topP: number;
  /** Draws from so many likeliest tokens. */
  readonly topK?: number | undefined;
  /** Draws from tokens at least so probable, in proportion to the likeliest. */
  readonly minP?: number | undefined;
  /** Taken from a token's logit for each time that it is in the answer, and once where it is. */
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  /** Divides positive logits, and multiplies others, of tokens that are in the prompt or the answer. */
  readonly repetitionPenalty?: number | undefined;
  /** Pairs of a token and what is added to its logit. */
  readonly logitBias?: readonly (readonly [token: number, bias: number])[] | undefined;
  /** Tells the logarithms of probabilities: of each token, and of so many likeliest ones. */
  readonly topLogprobs?: number | undefined;
  /** The same seed, prompt and model give the same answer; undefined draws a seed. */
  readonly seed: number | undefined;
}

const STEP_WORD = 4;

/** The seed of an answer's choice, as two words: the request's own for the first, a hash of it and the choice for others (splitmix64). */
export function seedWords(seed: number, choice: number): Uint32Array {
  let bits = BigInt.asUintN(64, BigInt(seed));
  if (choice > 0) {
    bits = BigInt.asUintN(64, bits + BigInt(choice) * 0x9e3779b97f4a7c15n);
    bits = BigInt.asUintN(64, (bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n);
    bits = BigInt.asUintN(64, (bits ^ (bits >> 27n)) * 0x94d049bb133111ebn);
    bits ^= bits >> 31n;
  }
  return new Uint32Array(BigUint64Array.of(bits).buffer);
}

export class Sampler {
  readonly #words = new Uint32Array(SAMPLING_WORDS);
  readonly #isGreedy: boolean;
  readonly #topLogprobs: number | undefined;
  #controls: Controls | undefined;

  /** `choice`: which of a request's answers to the prompt it is. */
  constructor(config: SamplingConfig, prompt: readonly number[], choice = 0) {
    const { temperature, topP, topK = 0, minP = 0, repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0, seed } = config;
    const floats = new Float32Array(this.#words.buffer);
    this.#isGreedy = temperature === 0 || topP === 0 || topK === 1;
    floats.set([this.#isGreedy ? 0 : temperature, topP]);
    this.#words.set(seed === undefined ? crypto.getRandomValues(new Uint32Array(2)) : seedWords(seed, choice), 2);
    this.#words[5] = topK;
    floats.set([minP, repetitionPenalty, frequencyPenalty, presencePenalty], 6);
    this.#topLogprobs = config.topLogprobs;
    const bias = new Map(config.logitBias?.filter(([, value]) => value !== 0));
    if (repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0 || bias.size > 0) {
      this.#controls = { prompt, answer: [], bias };
    }
  }

  /** What the next step needs. Greedy steps are all alike, so that nothing is written for them. */
  next(): Draw {
    const sampling = this.#words.slice();
    if (!this.#isGreedy) this.#words[STEP_WORD] = ((this.#words[STEP_WORD] ?? 0) + 1) >>> 0;
    return { sampling, controls: this.#controls, topLogprobs: this.#topLogprobs };
  }

  /** For an answer that goes on in another control slot: its tokens so far. */
  resume(answer: readonly number[]): void {
    if (this.#controls !== undefined) this.#controls = { ...this.#controls, answer };
  }
}
