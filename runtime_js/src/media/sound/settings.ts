/** How a model wants sound, as its manifest says (`audio.processor`). */

import type { Fields } from "../../support/fields.ts";
import { MAX_PICTURE_TEXT } from "../../support/limits.generated.ts";
import { MAX_SECONDS } from "./samples.ts";

const MAX_RATE = 192_000;
const MAX_BINS = 512;
const MAX_FFT = 8192;

export interface SoundSettings {
  readonly kind: "gemma4";
  /** What the chat template writes for a sound, the text of the token that stands for each of the tower's rows, and what stands around these. */
  readonly placeholder: string;
  readonly audio: string;
  readonly before: string;
  readonly after: string;
  /** Samples a second. */
  readonly rate: number;
  /** Bands of the spectrum. */
  readonly bins: number;
  /** Samples of a frame, from one to the next, and of a transform: a power of two. */
  readonly frame: number;
  readonly hop: number;
  readonly fft: number;
  /** Hertz, of the lowest band's and the highest's end. */
  readonly low: number;
  readonly high: number;
  /** What is added before the logarithm. */
  readonly floor: number;
  /** Seconds that the model takes at most. */
  readonly seconds: number;
}

/** Raises what `fields` raise. */
export function parseSoundSettings(fields: Fields): SoundSettings {
  const text = (key: string): string => fields.string(key, MAX_PICTURE_TEXT);
  const rate = fields.integer("rate", 1000, MAX_RATE);
  const fft = fields.integer("fft", 2, MAX_FFT);
  if (!Number.isInteger(Math.log2(fft))) throw fields.wrong("fft", "a power of two");
  const frame = fields.integer("frame", 2, fft);
  const low = fields.number("low", 0, rate / 2);
  const settings: SoundSettings = {
    kind: fields.oneOf("kind", ["gemma4"]), placeholder: text("placeholder"), audio: text("audio"), before: text("before"), after: text("after"),
    rate, bins: fields.integer("bins", 1, MAX_BINS), frame, hop: fields.integer("hop", 1, frame), fft, low, high: fields.number("high", low + 1, rate / 2),
    floor: fields.number("floor", 1e-10, 1), seconds: fields.number("seconds", 0.1, MAX_SECONDS),
  };
  if (settings.placeholder === "" || settings.audio === "") throw fields.wrong(settings.audio === "" ? "audio" : "placeholder", "a text that is not empty");
  return settings;
}
