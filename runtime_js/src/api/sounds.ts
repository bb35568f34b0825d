/** Sounds of requests, as OpenAI writes them (`input_audio`) and as a page has them. */

import { canDecode, decodeCompressed, mixed } from "../media/sound/compressed.ts";
import { isSamples, type SoundSource } from "../media/source.ts";
import { fromBase64 } from "../support/base64.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { Fields } from "../support/fields.ts";

/** Characters of a sound in base64. */
const MAX_BASE64 = 1 << 28;
/** That compressed sound is decoded to here. */
const PAGE_RATE = 48_000;
const FORMATS = ["wav", "mp3", "pcm_f32"] as const;

/** What a page's thread has of a decoded sound. */
function isAudioBuffer(value: unknown): value is AudioBuffer {
  return typeof AudioBuffer === "function" && value instanceof AudioBuffer;
}

function fileOf(given: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(given.replace(/^data:[^,]*,/i, ""));
  } catch {
    return undefined;
  }
}

/** Reads `data`, `format` and, of samples, `sample_rate` of the part at `path`. Raises the error of the fields. */
export function readSoundPart(sound: Fields, path: string): SoundSource {
  sound.onlyKeys(["data", "format", "sample_rate"]);
  const given = sound.raw("data");
  const format = sound.optional("format", (key) => sound.oneOf(key, FORMATS));
  if (given instanceof Blob) return { kind: "sound", data: given, path };
  if (isAudioBuffer(given)) return { kind: "sound", data: { samples: mixed(given), rate: given.sampleRate }, path };
  if (given instanceof Float32Array) {
    return { kind: "sound", data: { samples: Float32Array.from(given), rate: sound.integer("sample_rate", 1000, 384_000) }, path };
  }
  if (typeof given !== "string" || format === "pcm_f32") {
    throw sound.wrong("data", "base64, a Blob or File, an AudioBuffer, or a Float32Array beside its sample_rate");
  }
  const bytes = fileOf(sound.string("data", MAX_BASE64));
  if (bytes === undefined) throw sound.wrong("data", "base64: no address, which is fetched by who asks, and nothing else");
  return { kind: "sound", data: new Blob([bytes], { type: format === "mp3" ? "audio/mpeg" : "audio/wav" }), path };
}

/** Reads a sound as it comes to a worker. Raises the error of the fields. */
export function readSentSound(sound: Fields, maxPath: number): SoundSource {
  const data = sound.raw("data");
  if (!(data instanceof Blob) && !isSamples(data)) throw sound.wrong("data", "a Blob or samples");
  return { kind: "sound", data, path: sound.string("path", maxPath) };
}

/** Whether only a page's thread can decode it, which is this one. */
export function needsPage({ data }: SoundSource): boolean {
  return data instanceof Blob && canDecode() && !/wav/i.test(data.type);
}

/** Such a sound, decoded. Rejects with RequestValidationError, which names the part. */
export async function decodedHere(source: SoundSource): Promise<SoundSource> {
  const { data, path } = source;
  if (!(data instanceof Blob) || !needsPage(source)) return source;
  try {
    const { values, rate } = await decodeCompressed(data, PAGE_RATE);
    return { ...source, data: { samples: values, rate } };
  } catch (error) {
    if (error instanceof RequestValidationError) throw new RequestValidationError(`${path}: ${error.message}`, { ...error.details, param: path });
    throw error;
  }
}
