/** What a runner does to a row's logits before a token is drawn, in the plainest way; it takes the likeliest one, whatever the temperature. */

import type { Controls, Draw, StepResult, TokenLogprobs } from "../../src/executor/runner.ts";

interface Slot {
  readonly controls: Controls;
  readonly prompt: ReadonlySet<number>;
  readonly answer: Map<number, number>;
}

/** The control slots of a runner. */
export class FakeControls {
  readonly #slots = new Map<number, Slot>();

  /** The token of one row, by its logits, which are the model's own. `tokens`: what the step adds to the row's sequence. */
  choose(logits: Float32Array, draw: Draw, tokens: readonly number[], counted: number): StepResult {
    const own = draw.topLogprobs === undefined ? logits : logits.slice();
    draw.process?.(logits);
    this.#adjust(logits, draw, tokens.slice(tokens.length - (draw.counted ?? counted)));
    const mask = draw.mask?.();
    let token = 0;
    for (let one = 0; one < logits.length; one++) {
      if (mask !== undefined && ((mask[one >> 5] ?? 0) >> (one & 31) & 1) === 0) logits[one] = -Infinity;
      if ((logits[one] ?? 0) > (logits[token] ?? 0)) token = one;
    }
    return { token, ...(draw.topLogprobs !== undefined && { logprobs: logprobs(own, token, draw.topLogprobs) }) };
  }

  #adjust(logits: Float32Array, { sampling, controls, control }: Draw, added: readonly number[]): void {
    if (controls === undefined) return;
    if (control === undefined) throw new Error("penalties and biases need a control slot");
    let slot = this.#slots.get(control);
    if (slot?.controls !== controls) {
      slot = { controls, prompt: new Set(controls.prompt), answer: new Map() };
      this.#slots.set(control, slot);
      added = [...controls.answer, ...added];
    }
    const { prompt, answer } = slot;
    for (const token of added) answer.set(token, (answer.get(token) ?? 0) + 1);
    const [, , , , , , , repetition = 1, frequency = 0, presence = 0] = new Float32Array(sampling.buffer, sampling.byteOffset, 10);
    logits.forEach((logit, token) => {
      const count = answer.get(token) ?? 0;
      let value = logit + (controls.bias.get(token) ?? 0);
      if (count > 0 || prompt.has(token)) value = value > 0 ? value / repetition : value * repetition;
      logits[token] = value - count * frequency - (count > 0 ? presence : 0);
    });
  }
}

function likeliest(logits: Float32Array): number[] {
  return [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
}

function logprobs(logits: Float32Array, token: number, count: number): TokenLogprobs {
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  const of = (one: number): number => (logits[one] ?? 0) - total;
  return { chosen: of(token), top: likeliest(logits).slice(0, count).map((one) => ({ token: one, logprob: of(one) })) };
}
