/** Checks on the loaded model what computes it: drivers and browsers have been seen that compile every kernel and compute other numbers. */

import type { Probe } from "../storage/manifest.ts";
import { VariantError } from "./device.ts";
import type { RunnerShape } from "./runner.ts";

/** Of the size of the values. Codes of 8 bits, float16 and other orders of sums err by a few hundredths; what is wrong, by much more. */
const TOLERANCE = 0.1;

/** A call that takes longer takes no less than its work; of shorter ones the difference to MORE ones behind it tells the work. */
const LONG_MS = 10;
const MORE = 4;
/** Of a decode step. */
const TRIES = 3;

/** A runner that tells what it computes on the way. */
export interface FirstLayer {
  readonly shape: RunnerShape;
  /**
   * float32[hidden_size]: the hidden state of the last of `tokens` behind the model's first layer, by a prefill or (of one token) a decode
   * step that ends there; or that of the last of so many patches of a probe. What is at a position greater than 0 continues the call before it, at 0. `times`: it is computed as often.
   */
  firstLayer(name: "prefill" | "decode" | "encode_image", tokens: readonly number[], position: number, times?: number): Promise<Float32Array>;
  /** float32[vocab_size]: what a decode step makes of this hidden state behind its last layer. Only of a model that decodes. */
  head(hidden: Float32Array<ArrayBuffer>): Promise<Float32Array>;
  /** Takes note of what a layer of a prefill takes for each token. */
  learnPace(milliseconds: number): void;
}

/**
 * Computes the probe's tokens in the first layer, all by a prefill, and then (where the model decodes) the last one once more by a decode step behind the others, which
 * takes every kind of kernel with the model's own weights: products, attention or recurrence, and states. The head, whose weights are of
 * another scheme, multiplies a state that is known. Then the prefill is timed. Raises VariantError where the numbers are wrong.
 */
export async function selfTest(runner: FirstLayer, { tokens: words, patches, values, logits }: Probe): Promise<void> {
  const tokens = patches === undefined ? words : new Array<number>(patches).fill(0);
  const first = patches === undefined ? "prefill" : "encode_image";
  const [before, last] = [tokens.slice(0, -1), tokens.slice(-1)];
  const prefill = await runner.firstLayer(first, tokens, 0);
  // A page still holds the tokens before the last; a state in a slot is the one after it.
  if (before.length > 0 && runner.shape.slots > 0) await runner.firstLayer("prefill", before, 0);
  const decodes = runner.shape.rowCounts.length > 0;
  mustBeNear(first, prefill, values);
  if (decodes) {
    mustBeNear("decode", await runner.firstLayer("decode", last, before.length), values);
    if (logits !== undefined) mustBeNear("head", await runner.head(knownState(prefill.length)), logits);
  }
  runner.learnPace(await timeOfLayer(runner, first, tokens) / tokens.length);
}

/** A hidden state as the builder makes it, of numbers from -1 to 1. */
function knownState(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => 17 * i % 64 / 32 - 1);
}

function mustBeNear(name: string, found: Float32Array, values: readonly number[]): void {
  const error = difference(found, values);
  if (!(error <= TOLERANCE)) throw new VariantError(`it computes wrong numbers (${name} is off by ${(100 * error).toFixed(1)} %)`);
}

/** Milliseconds. A clock that is coarse, or a call that had to wait, must not make it look like nothing. */
async function timeOfLayer(runner: FirstLayer, name: "prefill" | "encode_image", tokens: readonly number[]): Promise<number> {
  const time = async (times: number): Promise<number> => {
    const begun = performance.now();
    await runner.firstLayer(name, tokens, 0, times);
    return performance.now() - begun;
  };
  const once = await time(1);
  if (once > LONG_MS) return once;
  const all = await time(1 + MORE);
  return Math.max((all - once) / MORE, all / (1 + MORE) / 4);
}

/** Milliseconds of a decode step's first layer, for a token at this position. The shortest of some calls was not kept waiting. */
export async function layerTimeOfStep(runner: Pick<FirstLayer, "firstLayer">, token: number, position: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < TRIES; i++) {
    const begun = performance.now();
    await runner.firstLayer("decode", [token], position);
    least = Math.min(least, performance.now() - begun);
  }
  return least;
}

/** Of a vector from its values at evenly spaced places, relative to their size. */
function difference(hidden: Float32Array, values: readonly number[]): number {
  let wrong = 0;
  let size = 0;
  values.forEach((value, i) => {
    wrong += ((hidden[Math.floor(i * hidden.length / values.length)] ?? NaN) - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(wrong / size);
}
