/** Sound of the kinds that a browser decodes, in a page's own thread. */

import { RequestValidationError } from "../../support/errors.ts";
import { checkLength, type Samples } from "./samples.ts";
import { ONLY_WAV, isWav, wavOf } from "./wav.ts";

/** Of which half a minute has a few: an hour of the worst is still some hundred megabytes of samples. */
const MAX_BYTES = 2 ** 23;

/** That a page decodes to, whatever the model takes: which that is, its worker knows. */
const PAGE_RATE = 48_000;

/** Milliseconds that a player has to read how long a sound is: a page that nobody sees may not load one. */
const PATIENCE = 2000;

/** Whether this thread decodes more than WAV. */
export const canDecode = (): boolean => typeof OfflineAudioContext !== "undefined";

/** rate: samples a second that it is decoded to. Raises RequestValidationError. */
export async function decodeCompressed(file: Blob, rate: number): Promise<Samples> {
  const refuse = (message: string, details = {}): RequestValidationError => new RequestValidationError(message, details);
  if (file.size === 0) throw refuse("The sound's file is empty. Take another one.");
  if (file.size > MAX_BYTES) throw refuse(`The sound's file has ${file.size} bytes; of a compressed one at most ${MAX_BYTES} are read. Cut it.`);
  if (!canDecode()) throw refuse(ONLY_WAV);
  checkLength(await told(file));
  try {
    // A context's rate is the rate of what it decodes.
    return mixed(await new OfflineAudioContext({ length: 1, sampleRate: rate }).decodeAudioData(await file.arrayBuffer()));
  } catch (error) {
    throw refuse("The sound's file is damaged, or this browser does not read its kind. Take another one, or save it anew as 16-bit WAV.", { reason: String(error) });
  }
}

/** Seconds that a file says it takes, which a player reads without decoding it: silence of hours is small. 0 where it does not say, as recordings do not. */
async function told(file: Blob): Promise<number> {
  const player = new Audio(URL.createObjectURL(file));
  await new Promise((resolve) => {
    player.onloadedmetadata = player.onerror = resolve;
    setTimeout(resolve, PATIENCE);
  });
  URL.revokeObjectURL(player.src);
  return Number.isFinite(player.duration) ? player.duration : 0;
}

/** The sound as a file that any thread reads: itself, or what this one decodes. bits: as of `wavOf`. Raises RequestValidationError. */
export async function asWav(file: Blob, bits: 16 | 32): Promise<Blob> {
  return await isWav(file) ? file : wavOf(await decodeCompressed(file, PAGE_RATE), bits);
}

/** Channels as one: their mean. */
export function mixed(sound: AudioBuffer): Samples {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, channel) => sound.getChannelData(channel));
  const values = new Float32Array(sound.length).map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length);
  return { values, rate: sound.sampleRate };
}
