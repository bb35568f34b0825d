// What a manifest may say, and what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManifestError } from "../src/support/errors.ts";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { parseManifest } from "../src/storage/manifest.ts";
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
