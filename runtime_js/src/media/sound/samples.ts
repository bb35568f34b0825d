/** Sound as numbers between -1 and 1. */

import { RequestValidationError } from "../../support/errors.ts";

/** One channel; rate: samples a second. */
export interface Samples {
  readonly values: Float32Array<ArrayBuffer>;
  readonly rate: number;
}

/** No model is made for more at a time. */
export const MAX_SECONDS = 600;

/** What is said of more than MAX_SECONDS. */
export const tooLong = (seconds: number): string => `takes ${duration(seconds)}, which is more than any model hears at a time. Cut it into parts.`;

/** Before anything that long is decoded. Raises RequestValidationError, whose details have the `seconds`. */
export function checkLength(seconds: number): void {
  if (seconds > MAX_SECONDS) throw new RequestValidationError(`The sound ${tooLong(seconds)}`, { seconds });
}

/** One step of 16 bits: what stays within it, wherever that is, is heard by nobody. (A-law has no zero.) */
const SILENCE = 2 ** -15;

/** Why nobody hears it, of a model that hears so many seconds at a time; undefined where one does. */
export function faultOf({ values, rate }: Samples, most: number): "empty" | "long" | "broken" | "silent" | undefined {
  if (values.length === 0) return "empty";
  if (values.length > Math.ceil(most * rate)) return "long";
  // Math.min and Math.max keep what is no number.
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return Number.isFinite(high - low) ? high - low < SILENCE ? "silent" : undefined : "broken";
}

/** In words. */
export function duration(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} seconds` : seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;
}
