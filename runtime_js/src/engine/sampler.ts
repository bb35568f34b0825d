/** How a request's tokens are drawn: the words of the `sampling` buffer, which the GPU's kernels read, and what goes with them. */

import {
  FREQUENCY_WORD, MIN_P_WORD, PRESENCE_WORD, REPETITION_WORD, SAMPLING_WORDS, SEED_WORD, STEP_WORD, TEMPERATURE_WORD, TOP_K_WORD, TOP_P_WORD,
} from "../executor/abi.generated.ts";
import type { Controls, Draw } from "../executor/runner.ts";
import type { ProcessedAnswer } from "./logit_processor.ts";
import type { SamplingConfig } from "./sampling.ts";

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
  readonly #processed: ProcessedAnswer | undefined;
  #controls: Controls | undefined;
  /** Tokens of the answer that came before this sampler. */
  #past: readonly number[] = [];

  /** `choice`: which of a request's answers to the prompt it is. */
  constructor(config: SamplingConfig, prompt: readonly number[], choice = 0, processed?: ProcessedAnswer) {
    const { temperature = 1, topP = 1, topK = 0, minP = 0, repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0, seed } = config;
    const floats = new Float32Array(this.#words.buffer);
    this.#isGreedy = temperature === 0 || topP === 0 || topK === 1;
    floats[TEMPERATURE_WORD] = this.#isGreedy ? 0 : temperature;
    floats[TOP_P_WORD] = topP;
    floats[MIN_P_WORD] = minP;
    floats[REPETITION_WORD] = repetitionPenalty;
    floats[FREQUENCY_WORD] = frequencyPenalty;
    floats[PRESENCE_WORD] = presencePenalty;
    this.#words[TOP_K_WORD] = topK;
    this.#words.set(seed === undefined ? crypto.getRandomValues(new Uint32Array(2)) : seedWords(seed, choice), SEED_WORD);
    this.#topLogprobs = config.topLogprobs;
    this.#processed = processed;
    const bias = new Map(config.logitBias?.filter(([, value]) => value !== 0));
    if (repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0 || bias.size > 0) {
      this.#controls = { prompt, answer: [], bias };
    }
  }

  /** What the next step needs. Greedy steps are all alike, so that nothing is written for them. */
  next(): Draw {
    const sampling = this.#words.slice();
    if (!this.#isGreedy) this.#words[STEP_WORD] = ((this.#words[STEP_WORD] ?? 0) + 1) >>> 0;
    return { sampling, controls: this.#controls, topLogprobs: this.#topLogprobs, process: this.#processed?.process };
  }

  /** Another one that draws the next tokens as this one does, by its filters and noise alone. */
  copy(): Sampler {
    const copy = new Sampler({ temperature: this.#isGreedy ? 0 : 1 }, []);
    copy.#words.set(this.#words);
    const floats = new Float32Array(copy.#words.buffer);
    [floats[REPETITION_WORD], floats[FREQUENCY_WORD], floats[PRESENCE_WORD]] = [1, 0, 0];
    return copy;
  }

  /** Whether a step must wait until the token before it was read: the CPU has a part in every draw. */
  get isStepwise(): boolean {
    return this.#processed !== undefined;
  }

  /** Whether the GPU counts the tokens of steps, so that one cannot be taken back. */
  get isCounting(): boolean {
    return this.#controls !== undefined;
  }

  /** Takes back steps whose tokens do not count. */
  back(steps: number): void {
    if (!this.#isGreedy) this.#words[STEP_WORD] = ((this.#words[STEP_WORD] ?? 0) - steps) >>> 0;
  }

  /** A token came that was not drawn: those behind it have the noise of their own places all the same. */
  pass(): void {
    this.back(-1);
  }

  /** A token was read. */
  sampled(token: number): void {
    this.#processed?.sampled(token);
  }

  /** For an answer that had these tokens when it was cut off: what follows is drawn as it would have been. */
  skip(past: readonly number[]): void {
    this.#past = past;
    this.resume([]);
    for (const _ of past) this.next();
  }

  /** For an answer that goes on in another control slot: its tokens so far. */
  resume(answer: readonly number[]): void {
    if (this.#controls !== undefined) this.#controls = { ...this.#controls, answer: [...this.#past, ...answer] };
  }
}
