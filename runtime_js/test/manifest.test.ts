// What a manifest may say, and what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManifestError } from "../src/support/errors.ts";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { parseManifest } from "../src/storage/manifest.ts";
import { readAudioFacts } from "../src/storage/vision_facts.ts";
import { fails } from "./fakes/expect.ts";
import { LIBRARY, entry, manifestObject, tensor } from "./fakes/model.ts";
import { mutations } from "./fakes/mutate.ts";

const SOUND = {
  kind: "gemma4", placeholder: "a", audio: "a", before: "", after: "", rate: 16000, bins: 8, frame: 320, hop: 160, fft: 512, low: 0, high: 8000, floor: 0.001, seconds: 30,
};

/** A part that hears, whose own part hears, and so on. */
function hearing(depth: number): Record<string, unknown> {
  const plain = manifestObject();
  let model: Record<string, unknown> = plain;
  for (let i = 0; i < depth; i++) model = { ...plain, audio: { processor: SOUND, audio_token: 1, vectors: 4, model } };
  return model;
}

const REFUSED: readonly (readonly [string, (manifest: Record<string, unknown>) => void, RegExp])[] = [
  ["a later format", (m) => { m["format"] = 2; }, /format 2, this engine reads format 1/],
  ["a path out of the folder", (m) => { m["library"] = { ...entry("x", LIBRARY), file: "../evil.wasm" }; }, /plain file name/],
  ["a URL as a file", (m) => { m["tokenizer"] = { ...entry("x", LIBRARY), file: "https://a/b" }; }, /plain file name/],
  ["a short digest", (m) => { m["library"] = { ...entry("x", LIBRARY), sha256: "abc" }; }, /64 lower-case hex/],
  ["shards that do not add up", (m) => { m["weights"] = { bytes: 5, shards: [entry("s", LIBRARY)] }; }, /300 bytes together/],
  ["a short shard in the middle", (m) => { m["weights"] = { bytes: 600, shards: [LIBRARY, LIBRARY].map((shard) => entry("s", shard)) }; },
    /but the last/],
  ["overlapping tensors", (m) => { m["tensors"] = [tensor("a", 0, 512), tensor("b", 256, 4)]; }, /b overlaps/],
  ["a tensor beyond the end", (m) => { m["tensors"] = [tensor("a", SHARD_BYTES, 2048)]; }, /beyond/],
  ["an unaligned tensor", (m) => { m["tensors"] = [tensor("a", 4, 4)]; }, /multiple of 256/],
  ["an end token outside the vocabulary", (m) => { m["eos_token_ids"] = [50]; }, /eos_token_ids\[0\]/],
  ["a probe of a token outside the vocabulary", (m) => { m["probe"] = { tokens: [50], values: [1] }; }, /probe\.tokens\[0\]/],
  ["a probe whose logits are no numbers", (m) => { m["probe"] = { tokens: [1], values: [1], logits: [null] }; }, /probe\.logits must be finite numbers/],
  ["a probe without values", (m) => { m["probe"] = { tokens: [1], values: [] }; }, /finite numbers/],
  ["a probe whose values are no numbers", (m) => { m["probe"] = { tokens: [1], values: [1, "2"] }; }, /finite numbers/],
  ["parts of parts without end", (m) => { Object.assign(m, hearing(20_000)); }, /audio[.]model must be a part that hears, which has no parts of its own/],
  ["a probe without end", (m) => { m["probe"] = { tokens: [1], values: Array.from({ length: 1000 }, () => 1) }; }, /probe\.values/],
];

for (const [name, mutate, message] of REFUSED) {
  test(`manifest refused: ${name}`, () => {
    const manifest = manifestObject();
    mutate(manifest);
    assert.throws(() => parseManifest(manifest), fails(ManifestError, message));
  });
}

const text = (length: number): string => "a".repeat(length);
const list = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);
const model = (more: object) => ({ model: { id: "toy", name: "Toy", context_length: 128, vocab_size: 50, ...more } });
const embedding = (more: object) => ({ embedding: { pooling: "mean", whole: true, max_tokens: 9, prompts: {}, ...more } });
const ears = (more: object) => ({ audio: { processor: SOUND, audio_token: 1, vectors: 4, model: manifestObject(), ...more } });
const places = (...more: string[]) => ({ weights: { ...Object(manifestObject()["weights"]), places: more } });
/** What has bounds: the least (null: none at all) and the most that it may be, and what a manifest with it says. */
const BOUNDS: Readonly<Record<string, readonly [least: number | null, most: number, says: (value: number) => object]>> = {
  "letters of an id": [null, 512, (n) => model({ id: text(n) })], "letters of a name": [null, 512, (n) => model({ name: text(n) })],
  "tokens of a context": [1, 1 << 24, (n) => model({ context_length: n })],
  "rows of an embedding": [1, 1 << 24, (n) => ({ ...model({ vocab_size: n }), eos_token_ids: [] })],
  "tokens that end an answer": [null, 256, (n) => ({ eos_token_ids: list(n, 2) })], "one of them": [0, 49, (n) => ({ eos_token_ids: [n] })],
  "letters of a file": [1, 200, (n) => ({ library: { ...entry("x", LIBRARY), file: text(n) } })],
  "bytes of a file": [1, 1 << 28, (n) => ({ library: { ...entry("x", LIBRARY), bytes: n } })],
  "digits of a digest": [64, 64, (n) => ({ library: { ...entry("x", LIBRARY), sha256: text(n) } })],
  "places": [1, 8, (n) => places(...list(n, "a/"))], "letters of a place": [null, 8192, (n) => places(text(n))],
  "letters of a tensor's name": [null, 512, (n) => ({ tensors: [{ ...tensor("a", 0, 16), name: text(n) }] })],
  "letters of its type": [null, 32, (n) => ({ tensors: [{ ...tensor("a", 0, 16), dtype: text(n) }] })],
  "its dimensions": [null, 8, (n) => ({ tensors: [{ ...tensor("a", 0, 16), shape: list(n, 1) }] })],
  "its words": [1, (SHARD_BYTES + 1024) / 4, (n) => ({ tensors: [{ ...tensor("a", 0, 16), bytes: 4 * n }] })],
  "its place, in steps": [0, (SHARD_BYTES + 768) / 256, (n) => ({ tensors: [tensor("a", 256 * n, 4)] })],
  "tokens of a probe": [1, 256, (n) => ({ probe: { tokens: list(n, 1), values: [1] } })], "one of them there": [0, 49, (n) => ({ probe: { tokens: [n], values: [1] } })],
  "patches of a probe": [1, 256, (n) => ({ probe: { patches: n, values: [1] } })], "values of a probe": [1, 256, (n) => ({ probe: { tokens: [1], values: list(n, 1) } })],
  "logits of a probe": [1, 256, (n) => ({ probe: { tokens: [1], values: [1], logits: list(n, 1) } })],
  "tokens of a text": [1, 1 << 24, (n) => embedding({ max_tokens: n })], "letters before a text": [null, 4096, (n) => embedding({ prompts: { query: text(n) } })],
  "the token of a sound": [0, (1 << 24) - 1, (n) => ears({ audio_token: n })], "floats of a vector": [1, 1 << 20, (n) => ears({ vectors: n })],
  "top_k": [0, 1 << 24, (n) => ({ sampling: { top_k: n } })], "temperature": [0, 2, (n) => ({ sampling: { temperature: n } })],
};

for (const [name, [least, most, says]] of Object.entries(BOUNDS)) {
  test(`a manifest's bounds are what may be: ${name}`, () => {
    const read = (value: number): void => {
      const { audio } = parseManifest({ ...manifestObject(), ...says(value) });
      if (audio !== undefined) readAudioFacts(audio.facts); // as a load does
    };
    for (const within of [least ?? 0, most]) read(within);
    if (least !== null) assert.throws(() => read(least - 1), ManifestError);
    assert.throws(() => read(most + 1), ManifestError);
  });
}

test("a manifest may say what to check the GPU by", () => {
  assert.equal(parseManifest(manifestObject()).probe, undefined);
  const probe = { tokens: [3, 4], values: [0.5, -2e-7] };
  for (const more of [{}, { logits: [1, -3.5] }]) assert.deepEqual(parseManifest({ ...manifestObject(), probe: { ...probe, ...more } }).probe, { ...probe, ...more });
});

test("whatever is mutated, reading ends in a manifest or in a ManifestError", () => {
  for (const mutated of mutations(manifestObject())) {
    try {
      parseManifest(mutated);
    } catch (error) {
      assert.ok(error instanceof ManifestError, String(error));
    }
  }
});
