/** Sounds of requests: what may be one, and what is said of others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatCompletionMessageParam, ContentPart } from "../src/api/openai/types.ts";
import { readSoundPart } from "../src/api/sounds.ts";
import { readWav } from "../src/media/sound/wav_reader.ts";
import { decodeCompressed } from "../src/media/sound/compressed.ts";
import { readSound } from "../src/media/sound/picture.ts";
import { wavOf } from "../src/media/sound/wav.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { Fields } from "../src/support/fields.ts";
import { MODEL, PLACES } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { AUDIO_TOKEN, checkSeeing } from "./fakes/vision.ts";

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
  await refused(file(new Float32Array(3 * 3600 * 1000).fill(0.5), 1000), /3\.0 hours.*more than any model hears.*Cut it/);
  await refused(file(samples(31 * 1000), 1000), /31\.0 seconds; this model hears 30\.0 seconds at a time.*Cut it/);
  await refused(new Blob(["RIFF"]), /Here only WAV is read/);
  await refused(wav(samples(0), 16_000), /./);
});

test("what is compressed is refused by how long it says it is, before anything decodes it", async (t) => {
  const decoded: number[] = [];
  class Player {
    readonly [name: string]: unknown;
    duration = NaN;
    declare onerror: () => void;
    declare onloadedmetadata: () => void;
    constructor(readonly src: string) {
      void fetch(src).then((response) => response.text()).then((text) => {
        this.duration = Number(text);
        if (text === "broken") this.onerror();
        else this.onloadedmetadata();
      });
    }
  }
  class OfflineAudioContext {
    readonly [name: string]: unknown;
    readonly sampleRate = 16_000;
    async decodeAudioData(bytes: ArrayBuffer): Promise<unknown> {
      decoded.push(bytes.byteLength);
      return { sampleRate: 16_000, numberOfChannels: 1, length: 1, getChannelData: () => Float32Array.of(0.5) };
    }
  }
  Object.assign(globalThis, { Audio: Player, OfflineAudioContext });
  t.after(() => ["Audio", "OfflineAudioContext"].forEach((name) => Reflect.deleteProperty(globalThis, name)));
  await assert.rejects(decodeCompressed(new Blob(["10800"]), 16_000), fails(RequestValidationError, /takes 3\.0 hours.*Cut it/));
  assert.deepEqual(decoded, []);
  for (const said of ["12", "Infinity", "broken"]) assert.equal((await decodeCompressed(new Blob([said]), 16_000)).values.length, 1, said);
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

checkSeeing("a second question about a sound encodes nothing, tokens are told before, and pictures stand beside it", async ({ client, hearing, vision }) => {
  const heard = { type: "input_audio", input_audio: { data: btoa("7: 5 3"), format: "wav" } } as const;
  const shown = { type: "image_url", image_url: { url: new Blob(["7: 2"]) } };
  const ask = (...messages: ChatCompletionMessageParam[]) => client.chat.completions.create({ messages, max_tokens: 6, temperature: 0 });
  const question = { role: "user", content: [shown, { type: "text", text: "a" }, heard] } as const;
  const counted = await client.countTokens([question]);
  assert.deepEqual([hearing.encoded, vision.encoded], [[], []]);
  const first = await ask(question);
  assert.equal(first.usage.prompt_tokens, counted);
  assert.deepEqual([(await client.tokenize([question])).filter((token) => token === AUDIO_TOKEN).length, hearing.encoded, vision.encoded], [8, ["7/0", "7/1"], ["7/0"]]);
  const second = await ask(question, { role: "assistant", content: first.choices[0]?.message.content ?? "" }, { role: "user", content: "b" });
  assert.ok(second.usage.prompt_tokens_details.cached_tokens >= counted - 1);
  assert.deepEqual([hearing.encoded.length, hearing.reads], [2, 1], "it is known by its bytes");
  await assert.rejects(ask({ role: "user", content: [{ type: "input_audio", input_audio: { data: btoa("noise") } }] }), fails(RequestValidationError, /^messages\[0\]\.content\[0\]: /));
  assert.equal((await ask({ role: "user", content: "b" })).choices.length, 1, "the conversation goes on");
});

test("what a page has of sounds becomes files that threads share", async (t) => {
  class AudioBuffer {
    readonly [name: string]: unknown;
    readonly numberOfChannels = 2;
    readonly length = 3;
    readonly sampleRate = 8000;
    getChannelData(channel: number): Float32Array {
      return Float32Array.of(0.5, -0.5, channel);
    }
  }
  Reflect.set(globalThis, "AudioBuffer", AudioBuffer);
  t.after(() => Reflect.deleteProperty(globalThis, "AudioBuffer"));
  const bytes = new Uint8Array(await wav(samples(3)).arrayBuffer());
  const stored = Array.from(samples(3), (value) => Math.trunc(32_767 * value) / 2 ** 15);
  for (const [data, more, values] of [
    [new AudioBuffer(), {}, [0.5, -0.5, 0.5]], [Float32Array.of(1, 0, 0.25), { sample_rate: 8000 }, [1, 0, 0.25]],
    [bytes, {}, stored], [bytes.buffer, {}, stored],
  ] as const) {
    const { data: read } = readSoundPart(new Fields({ data, ...more }, "a", Error), "a");
    assert.deepEqual([...(await readWav(read)).values], values);
  }
});
