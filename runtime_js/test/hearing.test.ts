/** Sounds of requests: what may be one, and what is said of others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentPart } from "../src/api/openai/types.ts";
import { readSound } from "../src/media/sound/picture.ts";
import { wavOf } from "../src/media/sound/wav.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";

const SETTINGS = {
  kind: "gemma4", placeholder: "<a>", audio: "<a>", before: "<", after: ">", rate: 16_000, bins: 32, frame: 320, hop: 160, fft: 512, low: 0, high: 8000, floor: 1e-3,
  seconds: 30,
} as const;
const samples = (count: number, of = (i: number): number => Math.sin(i / 9)): Float32Array<ArrayBuffer> => Float32Array.from({ length: count }, (_, i) => of(i));

const file = (values: Float32Array<ArrayBuffer>, rate = 16_000): Blob => wavOf({ values, rate }, 32);

/** A file of 16 bits and one channel, whose header says that it has so many samples. */
function wav(values: Float32Array, said = values.length): Blob {
  const header = new DataView(new ArrayBuffer(44));
  [..."RIFF    WAVEfmt "].forEach((letter, i) => header.setUint8(i, letter.charCodeAt(0)));
  [[4, 36 + 2 * said], [16, 16], [24, 16_000], [28, 32_000], [40, 2 * said]].forEach(([at = 0, value = 0]) => header.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at = 0, value = 0]) => header.setUint16(at, value, true));
  [..."data"].forEach((letter, i) => header.setUint8(36 + i, letter.charCodeAt(0)));
  return new Blob([header.buffer, Int16Array.from(values, (value) => 32_767 * value)]);
}

test("a sound is a run of what hears, with zeros and what says so behind its end", async () => {
  const { tokens, prompt, tiles: [tile] } = await readSound(file(samples(1000)), SETTINGS);
  assert.deepEqual([tokens, prompt], [2, "<<a><a>>"]); // six frames
  assert.equal(tile?.patches.length, 2 * 4 * 32);
  assert.ok(tile.patches.subarray(6 * 32).every((value) => value === 0) && tile.patches.subarray(0, 6 * 32).every((value) => value !== 0));
  assert.deepEqual([...tile.present ?? []], [1, 1, 1, 0]);
});

test("equal samples are one sound, whatever brings them", async () => {
  const bytes = wav(samples(1000));
  const [one, other] = [await readSound(bytes, SETTINGS), await readSound(new File([bytes], "a.wav"), SETTINGS)];
  assert.equal(one.hash, other.hash);
  assert.notEqual(one.hash, (await readSound(wav(samples(1001)), SETTINGS)).hash);
});

test("what cannot be heard is an error that says what to do", async () => {
  const refused = (data: Parameters<typeof readSound>[0], message: RegExp): Promise<void> => assert.rejects(readSound(data, SETTINGS), fails(RequestValidationError, message));
  await refused(file(samples(16_000, () => 0)), /silent.*microphone/);
  await refused(file(samples(0)), /empty/);
  await refused(file(new Float32Array(3 * 3600 * 1000).fill(0.5), 1000), /3\.0 hours.*30\.0 seconds at a time.*Cut it/);
  await refused(new Blob(["RIFF"]), /Here only WAV is read/);
  await refused(wav(samples(0), 16_000), /./);
});

test("what is no sound is told by its part and field", async () => {
  for (const make of Object.values(PLACES)) {
    const { client } = make();
    await client.reload(MODEL);
    const ask = (sound: unknown): Promise<unknown> => {
      const part = { type: "input_audio", input_audio: sound } as unknown as ContentPart; // what a program without types may give
      return client.chat.completions.create({ messages: [{ role: "user", content: [{ type: "text", text: "a" }, part] }] });
    };
    const refused = (sound: unknown, message: RegExp): Promise<void> => assert.rejects(ask(sound), fails(RequestValidationError, message));
    await refused({ data: 7, format: "wav" }, /messages\[0\]\.content\[1\]\.input_audio\.data.*base64/);
    await refused({ data: "https://example.org/a.wav", format: "wav" }, /input_audio\.data.*base64/);
    await refused({ data: "UklGRg==", format: "ogg" }, /input_audio\.format/);
    await refused({ data: new Float32Array(8) }, /sample_rate/);
    await refused({ data: new Float32Array(3 * 3600 * 1000), sample_rate: 1000 }, /input_audio\.data takes 3\.0 hours.*Cut it/);
    await refused({ data: new Float32Array(8), sample_rate: 16_000 }, /messages\[0\]\.content\[1\] is a sound, and the model "toy" does not hear.*load a model that hears/);
    assert.ok(await client.chat.completions.create({ messages: [{ role: "user", content: "a" }], max_tokens: 1 }));
  }
});
