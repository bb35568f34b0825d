/** WAV files: what they are known by, and how one is written. */

import type { Samples } from "./samples.ts";

export const WAV = "audio/wav";
/** What is said where nothing decodes other kinds: a page does, before it hands a sound on. */
export const ONLY_WAV = "Here only WAV is read: other kinds of sound are decoded by a page. Give the samples, or a WAV file.";

export const PCM = 1;
export const FLOAT = 3;

/** Four letters. */
export const letters = (view: DataView, at: number): string => String.fromCharCode(...Array.from({ length: 4 }, (_, i) => view.getUint8(at + i)));

/** By its first bytes: types and names say little. */
export async function isWav(file: Blob): Promise<boolean> {
  const view = new DataView(await file.slice(0, 12).arrayBuffer());
  return view.byteLength === 12 && letters(view, 0) === "RIFF" && letters(view, 8) === "WAVE";
}

/** One channel as a file: of floats, which are the samples themselves, or of 16-bit numbers, half as large. */
export function wavOf({ values, rate }: Samples, bits: 16 | 32): Blob {
  const data = bits === 32 ? values : Int16Array.from(values, (value) => Math.round(Math.max(-1, Math.min(1, value)) * (2 ** 15 - 1)));
  const header = new DataView(new ArrayBuffer(44));
  const word = (at: number, name: string): void => Array.from(name).forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF    WAVEfmt ");
  word(36, "data");
  for (const [at, value] of [[4, 36 + data.byteLength], [16, 16], [24, rate], [28, rate * bits / 8], [40, data.byteLength]] as const) header.setUint32(at, value, true);
  for (const [at, value] of [[20, bits === 32 ? FLOAT : PCM], [22, 1], [32, bits / 8], [34, bits]] as const) header.setUint16(at, value, true);
  return new Blob([header, data], { type: WAV });
}
