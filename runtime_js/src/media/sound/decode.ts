/** Sound from files. WAV is read anywhere; what else a browser knows (MP3, AAC, Ogg, FLAC, WebM) it decodes in a page's own thread alone. */

import { RequestValidationError } from "../../support/errors.ts";
import type { Samples } from "./samples.ts";
import { isWav, readWav } from "./wav.ts";

/** Of ten minutes as a CD has them. */
const MAX_WAV_BYTES = 2 ** 27;
/** Compressed, of which half a minute has a few: an hour of the worst is still some hundred megabytes of samples. */
const MAX_BYTES = 2 ** 23;

const refuse = (message: string, reason?: unknown): RequestValidationError => new RequestValidationError(message, reason === undefined ? {} : { reason: String(reason) });

/** Whether this thread decodes more than WAV. */
const canDecode = (): boolean => typeof OfflineAudioContext !== "undefined";

/** rate: samples a second that what is compressed is decoded to. Raises RequestValidationError. */
export async function decodeSound(file: Blob, rate: number): Promise<Samples> {
  if (file.size === 0) throw refuse("The sound's file is empty. Take another one.");
  if (file.size > MAX_WAV_BYTES) throw refuse(`The sound's file has ${file.size} bytes; at most ${MAX_WAV_BYTES} are read. Cut it.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (isWav(bytes)) return readWav(bytes);
  if (file.size > MAX_BYTES) throw refuse(`The sound's file has ${file.size} bytes; of a compressed one at most ${MAX_BYTES} are read. Cut it.`);
  if (!canDecode()) throw refuse("Here only WAV is read: other kinds of sound are decoded by a page. Give the samples, or a WAV file.");
  try {
    // A context's rate is the rate of what it decodes.
    const decoded = await new OfflineAudioContext({ length: 1, sampleRate: rate }).decodeAudioData(bytes.buffer);
    const channels = Array.from({ length: decoded.numberOfChannels }, (_, i) => decoded.getChannelData(i));
    return { values: Float32Array.from({ length: decoded.length }, (_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length), rate };
  } catch (error) {
    throw refuse("The sound's file is damaged, or this browser does not read its kind. Take another one, or save it anew as 16-bit WAV.", error);
  }
}
