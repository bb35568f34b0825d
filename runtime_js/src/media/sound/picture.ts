/** A sound as a model takes it: one run of what hears, whose rows stand in a prompt as a picture's do. */

import type { Picture } from "../picture.ts";
import { makeSound } from "./sound.ts";
import type { SoundSettings } from "./settings.ts";
import { readWav } from "./wav_reader.ts";

/** Frames of a token. */
const STEPS = 4;

/** Raises RequestValidationError that says what is wrong with it and what to do. */
export async function readSound(file: Blob, settings: SoundSettings): Promise<Picture> {
  const { hash, tokens, prompt, frames, features } = await makeSound(await readWav(file), settings);
  const patches = new Float32Array(tokens * STEPS * settings.bins);
  patches.set(features);
  const steps = Math.ceil(frames / 2);
  const present = Float32Array.from({ length: tokens * STEPS / 2 }, (_, step) => Number(step < steps));
  return { hash, tokens, prompt, tiles: [{ grid: [1, tokens], tokens, patches, positions: new Int32Array(0), present }] };
}
