/** How the next token is drawn: the words of the `sampling` buffer, which the GPU's sampling kernels read. */

export interface SamplingConfig {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** Draws from the likeliest tokens whose probabilities reach this sum; 1 draws from all. */
  readonly topP: number;
  /** The same seed, prompt and model give the same answer; undefined draws a seed. */
  readonly seed: number | undefined;
}

const STEP_WORD = 4;

export class Sampler {
  readonly #words = new Uint32Array(8);
  readonly #greedy: boolean;

  constructor({ temperature, topP, seed }: SamplingConfig) {
    const floats = new Float32Array(this.#words.buffer);
    floats[0] = temperature;
    floats[1] = topP;
    const seedWords = seed === undefined
      ? crypto.getRandomValues(new Uint32Array(2))
      : new Uint32Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(seed))).buffer);
    this.#words.set(seedWords, 2);
    this.#greedy = temperature === 0;
  }

  /** uint32[8] for the next step. Greedy steps are all alike, so that nothing is written for them. */
  next(): Uint32Array {
    const words = this.#words.slice();
    if (!this.#greedy) this.#words[STEP_WORD] = ((this.#words[STEP_WORD] ?? 0) + 1) >>> 0;
    return words;
  }
}
