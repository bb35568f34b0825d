/** Sounds of files and of the microphone: a script of its own, which comes with the first of them. */

import { asWav, decodeCompressed } from "../../media/sound/compressed.ts";
import { faultOf } from "../../media/sound/samples.ts";
import { WAV, wavOf } from "../../media/sound/wav.ts";
import { readWav } from "../../media/sound/wav_reader.ts";
import { RequestValidationError } from "../../support/errors.ts";

export { record } from "./recorder.ts";

/** Of what is recorded here: no microphone is heard beyond, and models take less. */
const RATE = 48_000;
/** Of samples: what sounds are kept as. */
const BITS = 16;

/** Why a file goes with no message: by the words for it. */
export type SoundFault = "noSound" | "soundTooLong" | "silent";

/** A sound as it is kept, which the engine takes in any thread. most: seconds. */
export async function readSound(file: Blob, most: number): Promise<Blob | SoundFault> {
  try {
    const wav = await asWav(file, BITS);
    const fault = faultOf(await readWav(wav), most);
    if (fault === undefined) return new Blob([wav], { type: WAV });
    return fault === "long" ? "soundTooLong" : fault === "silent" ? "silent" : "noSound";
  } catch (error) {
    if (error instanceof RequestValidationError) return "seconds" in error.details ? "soundTooLong" : "noSound";
    throw error;
  }
}

/** A recording as such a file, without what came behind its end. most: seconds. */
export async function cut(recording: Blob, most: number): Promise<Blob> {
  const { values, rate } = await decodeCompressed(recording, RATE);
  return wavOf({ values: values.subarray(0, Math.floor(most * rate)), rate }, BITS);
}
