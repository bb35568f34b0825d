/** From samples to what a model takes of a sound. */

import { canHash, sha256 } from "../../support/digest.ts";
import { RequestValidationError } from "../../support/errors.ts";
import { frameCount, logMel } from "./mel.ts";
import { resample } from "./resample.ts";
import { duration, faultOf, type Samples } from "./samples.ts";
import type { SoundSettings } from "./settings.ts";

export interface Sound {
  /** Equal for equal samples that were made by equal settings. */
  readonly hash: string;
  /** Rows of the tower, which is how often the model's audio token stands in `prompt`. */
  readonly tokens: number;
  /** What takes the placeholder's place in the text of the chat template. */
  readonly prompt: string;
  readonly frames: number;
  /** float32[frames, bins]. */
  readonly features: Float32Array<ArrayBuffer>;
}

/** A model that takes 16,000 samples a second needs no more to know what was said. */
const MAX_RATE = 384_000;
const LEAST_RATE = 1000;

const refuse = (message: string): RequestValidationError => new RequestValidationError(message);

function check({ values, rate }: Samples, { seconds }: SoundSettings): void {
  if (!(Number.isInteger(rate) && rate >= LEAST_RATE && rate <= MAX_RATE)) throw refuse(`The sound has ${rate} samples a second, which is no whole number from ${LEAST_RATE} to ${MAX_RATE}.`);
  const told = {
    empty: "The sound is empty. Record it again.",
    long: `The sound takes ${duration(values.length / rate)}; this model hears ${duration(seconds)} at a time. Cut it into parts.`,
    broken: "The sound has samples that are no numbers. Save it anew as 16-bit WAV.",
    silent: "The sound is silent: there is nothing to hear. Look at the microphone, or take another file.",
  };
  const fault = faultOf({ values, rate }, seconds);
  if (fault !== undefined) throw refuse(told[fault]);
}

/** Raises RequestValidationError that says what is wrong with it and what to do. */
export async function makeSound(samples: Samples, settings: SoundSettings): Promise<Sound> {
  check(samples, settings);
  const { values } = resample(samples, settings.rate);
  const frames = frameCount(settings, values.length);
  if (frames === 0) throw refuse(`The sound takes ${((1000 * values.length) / settings.rate).toFixed(1)} ms, which is less than a model hears. Record it again.`);
  const features = logMel(values, settings);
  // Two convolutions, each of which takes every second frame.
  const tokens = Math.ceil(Math.ceil(frames / 2) / 2);
  const { before, audio, after } = settings;
  const hash = canHash() ? await sha256(new TextEncoder().encode(JSON.stringify([settings, await sha256(new Uint8Array(values.slice().buffer))]))) : crypto.getRandomValues(new Uint32Array(8)).join("-");
  return { hash, tokens, prompt: `${before}${audio.repeat(tokens)}${after}`, frames, features };
}
