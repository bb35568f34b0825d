/** Sound of the kinds that a browser decodes, in a page's own thread. */

import { RequestValidationError } from "../../support/errors.ts";
import type { Samples } from "./samples.ts";

/** Of which half a minute has a few: an hour of the worst is still some hundred megabytes of samples. */
const MAX_BYTES = 2 ** 23;

/** Whether this thread decodes more than WAV. */
export const canDecode = (): boolean => typeof OfflineAudioContext !== "undefined";

/** rate: samples a second that it is decoded to. Raises RequestValidationError. */
export async function decodeCompressed(file: Blob, rate: number): Promise<Samples> {
  const refuse = (message: string, details = {}): RequestValidationError => new RequestValidationError(message, details);
  if (file.size === 0) throw refuse("The sound's file is empty. Take another one.");
  if (file.size > MAX_BYTES) throw refuse(`The sound's file has ${file.size} bytes; of a compressed one at most ${MAX_BYTES} are read. Cut it.`);
  if (!canDecode()) throw refuse("Here only WAV is read: other kinds of sound are decoded by a page. Give the samples, or a WAV file.");
  try {
    // A context's rate is the rate of what it decodes.
    const decoded = await new OfflineAudioContext({ length: 1, sampleRate: rate }).decodeAudioData(await file.arrayBuffer());
    return { values: mixed(decoded), rate };
  } catch (error) {
    throw refuse("The sound's file is damaged, or this browser does not read its kind. Take another one, or save it anew as 16-bit WAV.", { reason: String(error) });
  }
}

/** Channels as one: their mean. */
export function mixed(sound: AudioBuffer): Float32Array<ArrayBuffer> {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  return Float32Array.from({ length: sound.length }, (_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length);
}
