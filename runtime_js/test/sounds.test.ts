// Sounds as models take them, beside what transformers makes of the same samples (tests/golden/make_sounds.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readWav } from "../src/media/sound/wav_reader.ts";
import { resample } from "../src/media/sound/resample.ts";
import type { Samples } from "../src/media/sound/samples.ts";
import { parseSoundSettings, type SoundSettings } from "../src/media/sound/settings.ts";
import { makeSound } from "../src/media/sound/sound.ts";
import { wavOf } from "../src/media/sound/wav.ts";
import { ManifestError, RequestValidationError } from "../src/support/errors.ts";
import { Fields } from "../src/support/fields.ts";

const golden = new Fields(JSON.parse(readFileSync("test/golden/sounds.json", "utf8")), "", Error);
const parse = (changes: Record<string, unknown> = {}): SoundSettings =>
  parseSoundSettings(new Fields({ ...Object(golden.raw("settings")), ...changes }, "processor", (message) => new ManifestError(message)));
const EVERY = golden.integer("every", 1, 1000);
const some = (values: Float32Array): number[] => Array.from(values).filter((_, i) => i % EVERY === 0);
const mostDifferent = (found: readonly number[], wanted: readonly number[]): number => {
  assert.equal(found.length, wanted.length);
  return Math.max(...found.map((value, i) => Math.abs(value - (wanted[i] ?? NaN))));
};

/** The sound of make_sounds.py. */
function sound(length: number, rate = 16_000): Samples {
  const values = Float32Array.from({ length }, (_, i) => {
    const t = i / rate;
    const noise = (((i * 7919 + ((i * i) % 127) * 31) % 1000) / 500 - 1) * 0.05;
    return 0.4 * Math.sin(2 * Math.PI * (220 + 300 * t) * t) + 0.2 * Math.sin(2 * Math.PI * 1750 * t) + noise;
  });
  return { values, rate };
}

test("features and prompts are those of transformers", async () => {
  const settings = parse();
  for (const one of golden.objects("cases", 100, (item) => item)) {
    const made = await makeSound(sound(one.integer("length", 1, 1e6)), settings);
    assert.equal(made.frames, one.integer("frames", 1, 1e6));
    assert.equal(made.prompt.replace(settings.audio.repeat(made.tokens), `${settings.audio}*${made.tokens}`), one.string("prompt", 100));
    assert.equal(made.features.length, made.frames * settings.bins);
    const off = mostDifferent(some(made.features), one.array("some", 1e5, Number));
    assert.ok(off < 1e-3, `${off}`);
  }
});

const ONE_FILTER = ["8000", "12000", "24000", "32000", "48000"];

test("other rates become the model's as soxr makes them", async () => {
  const rates = golden.object("rates");
  const settings = parse();
  for (const rate of rates.keys()) {
    const one = rates.object(rate);
    const given = sound(Math.trunc(Number(rate) / 5), Number(rate));
    const made = resample(given, settings.rate);
    assert.equal(made.values.length, one.integer("length", 1, 1e6));
    // The very first is soxr's own, where a sound begins at once.
    const off = mostDifferent(some(made.values).slice(1), one.array("some", 1e5, Number).slice(1));
    const found = some((await makeSound(given, settings)).features);
    const offFeatures = mostDifferent(found, one.array("features", 1e5, Number).slice(0, found.length));
    // Rates for which soxr has several filters differ where next to nothing is left, of which features are the logarithm.
    const [most, mostOfFeatures] = ONE_FILTER.includes(rate) ? [2e-6, 1e-3] : [3e-5, 0.05];
    assert.ok(off < most && offFeatures < mostOfFeatures, `${rate}: ${off}, ${offFeatures}`);
  }
});

/** A WAV file: `write` puts sample i of a channel where it belongs. */
function wav(format: number, bits: number, channels: number, count: number, write: (view: DataView, at: number, i: number) => void, extensible = false): Uint8Array<ArrayBuffer> {
  const head = extensible ? 40 : 16;
  const size = (count * channels * bits) / 8;
  const bytes = new Uint8Array(12 + 8 + head + 10 + 8 + size);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string): void => Array.from(word).forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, bytes.length - 8, true); text(8, "WAVE");
  text(12, "fmt "); view.setUint32(16, head, true);
  view.setUint16(20, extensible ? 0xfffe : format, true); view.setUint16(22, channels, true); view.setUint32(24, 8000, true);
  view.setUint32(28, (8000 * channels * bits) / 8, true); view.setUint16(32, (channels * bits) / 8, true); view.setUint16(34, bits, true);
  if (extensible) { view.setUint16(36, 22, true); view.setUint16(44, format, true); }
  const other = 20 + head; // a part that nobody knows, of an odd size
  text(other, "LIST"); view.setUint32(other + 4, 1, true);
  const data = other + 10;
  text(data, "data"); view.setUint32(data + 4, size, true);
  for (let i = 0; i < count * channels; i++) write(view, data + 8 + (i * bits) / 8, i);
  return bytes;
}

const ramp = (i: number): number => ((i % 21) - 10) / 16;
const INT16 = wav(1, 16, 1, 300, (view, at, i) => view.setInt16(at, ramp(i) * 2 ** 15, true));
const blob = (bytes: Uint8Array<ArrayBuffer>): Blob => new Blob([bytes]);

test("WAV files of every kind are read", async () => {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    int8: wav(1, 8, 1, 300, (view, at, i) => view.setUint8(at, ramp(i) * 128 + 128)), int16: INT16,
    int24: wav(1, 24, 1, 300, (view, at, i) => { view.setUint8(at, 0); view.setInt16(at + 1, ramp(i) * 2 ** 15, true); }),
    int32: wav(1, 32, 1, 300, (view, at, i) => view.setInt32(at, ramp(i) * 2 ** 31, true)),
    float32: wav(3, 32, 1, 300, (view, at, i) => view.setFloat32(at, ramp(i), true)),
    float64: wav(3, 64, 1, 300, (view, at, i) => view.setFloat64(at, ramp(i), true)),
    twelve: (() => { const file = wav(1, 16, 1, 300, (view, at, i) => view.setInt16(at, ramp(i) * 2 ** 15, true)); file[34] = 12; return file; })(),
    extensible: wav(1, 16, 1, 300, (view, at, i) => view.setInt16(at, ramp(i) * 2 ** 15, true), true),
    stereo: wav(1, 16, 2, 300, (view, at, i) => view.setInt16(at, (ramp(Math.trunc(i / 2)) + (i % 2 === 0 ? 1 / 8 : -1 / 8)) * 2 ** 15, true)),
  };
  const streamed = INT16.slice();
  new DataView(streamed.buffer).setUint32(12 + 8 + 16 + 10 + 4, 0xffff_ffff, true);
  for (const [name, file] of Object.entries({ ...files, streamed })) {
    const { values, rate } = await readWav(blob(file));
    assert.equal(rate, 8000, name);
    assert.deepEqual(Array.from(values), Array.from({ length: 300 }, (_, i) => ramp(i)), name);
  }
});

test("WAV files of telephones are read by the tables of G.711", async () => {
  const every = (format: number): Promise<Samples> => readWav(blob(wav(format, 8, 1, 256, (view, at, i) => view.setUint8(at, i))));
  const law = async (format: number): Promise<number[]> => Array.from((await every(format)).values, (value) => value * 2 ** 15);
  const [a, mu] = [await law(6), await law(7)];
  assert.deepEqual([0, 1, 0x2a, 0x55, 0x80, 0xaa, 0xd5, 0xff].map((byte) => a[byte]), [-5504, -5248, -32_256, -8, 5504, 32_256, 8, 848]);
  assert.deepEqual([0, 1, 0x0f, 0x7f, 0x80, 0x8f, 0xfe, 0xff].map((byte) => mu[byte]), [-32_124, -31_100, -16_764, 0, 32_124, 16_764, 8, 0]);
});

test("what is written as WAV is read as it was, of 16 bits to half a step of these", async () => {
  const values = Float32Array.from({ length: 300 }, (_, i) => Math.fround(ramp(i) * 1.01));
  for (const [bits, most] of [[32, 0], [16, 2 ** -15]] as const) {
    const read = await readWav(wavOf({ values, rate: 48_000 }, bits));
    assert.equal(read.rate, 48_000);
    assert.ok(mostDifferent([...read.values], [...values]) <= most, String(bits));
  }
});

test("what cannot be heard is told with what to do", async () => {
  const settings = parse();
  const changed = (at: number, value: number): Blob => {
    const bytes = INT16.slice();
    new DataView(bytes.buffer).setUint32(at, value, true);
    return blob(bytes);
  };
  const files: readonly (readonly [Blob, RegExp])[] = [
    [new Blob([]), /file is empty\. Take another/], [blob(INT16.slice(0, 20)), /is cut or lies|has no samples/], [blob(INT16.slice(0, 300)), /is cut or lies: its part "data" should have 600 bytes, and 246 are left/],
    [changed(16, 1e9), /its part "fmt " should have 1000000000 bytes/], [changed(20, 7 + 2 ** 16), /format 7 with 16 bits, which are not read here/],
    [changed(24, 0), /a second has no samples/], [changed(32, 3 + (16 << 16)), /1 channels of 16 bits take 3 bytes/], [new Blob(["ID3 what is an MP3"]), /Here only WAV is read/],
  ];
  for (const [file, told] of files) {
    await assert.rejects(readWav(file), (error: unknown) => error instanceof RequestValidationError && told.test(error.message), `${told}`);
  }
  const of = (values: Float32Array<ArrayBuffer>, rate = 16_000): Promise<unknown> => makeSound({ values, rate }, settings);
  const sounds: readonly (readonly [Promise<unknown>, RegExp])[] = [
    [of(new Float32Array()), /is empty/], [of(new Float32Array(16_000)), /is silent.*microphone/], [of(sound(160).values), /takes 10\.0 ms, which is less/],
    [of(new Float32Array(3 * 3600 * 1000).fill(0.5), 1000), /takes 3\.0 hours; this model hears 30\.0 seconds at a time\. Cut it/], [of(sound(100).values, NaN), /NaN samples a second/],
    [of(new Float32Array([1, NaN, 1])), /samples that are no numbers/], [of(new Float32Array([1, -Infinity, 1])), /samples that are no numbers/],
    [of(new Float32Array(16_000).fill(2 ** -12)), /is silent/],
  ];
  for (const [made, told] of sounds) await assert.rejects(made, (error: unknown) => error instanceof RequestValidationError && told.test(error.message), `${told}`);
});

test("settings beyond their bounds are refused by their names", () => {
  for (const [key, value] of Object.entries({ kind: "other", rate: 1e9, bins: 0, fft: 500, frame: 513, hop: 321, high: 8001, floor: 0, seconds: 1e6, audio: "" })) {
    assert.throws(() => parse({ [key]: value }), (error: unknown) => error instanceof ManifestError && error.message.includes(`${key} must be`), key);
  }
});
