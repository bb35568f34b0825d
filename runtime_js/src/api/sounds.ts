/** Sounds of requests, as OpenAI writes them (`input_audio`) and as a page has them. */

import { asWav, mixed } from "../media/sound/compressed.ts";
import { MAX_SECONDS, tooLong, type Samples } from "../media/sound/samples.ts";
import { wavOf } from "../media/sound/wav.ts";
import type { SoundSource } from "../media/source.ts";
import { fromBase64 } from "../support/base64.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { Fields } from "../support/fields.ts";

/** Characters of a sound in base64. */
export const MAX_BASE64 = 1 << 28;
const FORMATS = ["wav", "mp3", "pcm_f32"] as const;

/** What a page's thread has of a decoded sound. */
export function isAudioBuffer(value: unknown): value is AudioBuffer {
  return typeof AudioBuffer === "function" && value instanceof AudioBuffer;
}

/** A file's bytes, which are somebody's: they may change. */
export function fileOfBytes(value: unknown): Blob | undefined {
  if (value instanceof ArrayBuffer) return new Blob([value]);
  return ArrayBuffer.isView(value) ? new Blob([new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()]) : undefined;
}

function fromText(given: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(given.replace(/^data:[^,]*,/i, ""));
  } catch {
    return undefined;
  }
}

/** Reads `data`, `format` and, of samples, `sample_rate` of the part at `path`. Raises the error of the fields. */
export function readSoundPart(sound: Fields, path: string): SoundSource {
  sound.onlyKeys(["data", "format", "sample_rate"]);
  return { kind: "sound", data: readFile(sound), path };
}

function readFile(sound: Fields): Blob {
  const given = sound.raw("data");
  const format = sound.optional("format", (key) => sound.oneOf(key, FORMATS));
  if (given instanceof Blob) return given;
  if (isAudioBuffer(given)) return ofSamples(sound, given.length, given.sampleRate, () => mixed(given));
  if (given instanceof Float32Array) {
    const rate = sound.integer("sample_rate", 1000, 384_000);
    return ofSamples(sound, given.length, rate, () => ({ values: new Float32Array(given), rate }));
  }
  const bytes = fileOfBytes(given);
  if (bytes !== undefined) return bytes;
  if (typeof given !== "string" || format === "pcm_f32") {
    throw sound.wrong("data", "base64, a Blob or File, its bytes, an AudioBuffer, or a Float32Array beside its sample_rate");
  }
  const read = fromText(sound.string("data", MAX_BASE64));
  if (read === undefined) throw sound.wrong("data", "base64: no address, which is fetched by who asks, and nothing else");
  return new Blob([read]);
}

function ofSamples(sound: Fields, count: number, rate: number, samples: () => Samples): Blob {
  if (count / rate <= MAX_SECONDS) return wavOf(samples(), 32);
  throw sound.fail(`${sound.at("data")} ${tooLong(count / rate)}`, sound.at("data"));
}

/** Reads a sound as it comes to a worker. Raises the error of the fields. */
export function readSentSound(sound: Fields, maxPath: number): SoundSource {
  const data = sound.raw("data");
  if (!(data instanceof Blob)) throw sound.wrong("data", "a Blob");
  return { kind: "sound", data, path: sound.string("path", maxPath) };
}

/** Such a sound as a file that any thread reads. Rejects with RequestValidationError, which names the part. */
export async function decodedHere(source: SoundSource): Promise<SoundSource> {
  const { data, path } = source;
  try {
    return { ...source, data: await asWav(data, 32) };
  } catch (error) {
    if (error instanceof RequestValidationError) throw new RequestValidationError(`${path}: ${error.message}`, { ...error.details, param: path });
    throw error;
  }
}
