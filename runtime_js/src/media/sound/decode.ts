/** Sound from files. WAV is read anywhere; what else a browser knows (MP3, AAC, Ogg, FLAC, WebM) it decodes in a page's own thread alone. */

import { RequestValidationError } from "../../support/errors.ts";
import { decodeCompressed } from "./compressed.ts";
import type { Samples } from "./samples.ts";
import { isWav } from "./wav.ts";
import { readWav } from "./wav_reader.ts";

/** Of ten minutes as a CD has them. */
const MAX_WAV_BYTES = 2 ** 27;

const refuse = (message: string): RequestValidationError => new RequestValidationError(message);

/** rate: samples a second that what is compressed is decoded to. Raises RequestValidationError. */
export async function decodeSound(file: Blob, rate: number): Promise<Samples> {
  if (file.size === 0) throw refuse("The sound's file is empty. Take another one.");
  if (file.size > MAX_WAV_BYTES) throw refuse(`The sound's file has ${file.size} bytes; at most ${MAX_WAV_BYTES} are read. Cut it.`);
  return await isWav(file) ? readWav(new Uint8Array(await file.arrayBuffer())) : decodeCompressed(file, rate);
}
