// Prompts with pictures in the step loop: pictures in one piece, others between chunks, memory that is short, a GPU that is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { VectorSource } from "../src/engine/generation.ts";
import { Pictures, PromptVectors } from "../src/engine/pictures.ts";
import { Sampler } from "../src/engine/sampler.ts";
import { Scheduler } from "../src/engine/scheduler.ts";
import { SequenceManager } from "../src/engine/sequences.ts";
import { wholeEnd, wholeLength } from "../src/engine/whole_pictures.ts";
import { rotaryTable } from "../src/executor/rope.ts";
import { DeviceLostError } from "../src/support/errors.ts";
import { FakePagedKv } from "./fakes/paged_kv.ts";
import { NO_EOS, generate, promptOf, request, setup } from "./fakes/generations.ts";
import { reference, seenAs } from "./fakes/runner.ts";

const TOKENS = 4;
/** The ids of a picture, which has so many. */
const shown = (picture: number): number[] => Array.from({ length: TOKENS }, (_, place) => -2 - picture * TOKENS - place);
const vectorOf = (id: number): number[] => { const at = -2 - id; return [Math.floor(at / TOKENS), at % TOKENS]; };
const asSeen = (prompt: readonly number[]): number[] => prompt.map((id) => (id < 0 ? seenAs(vectorOf(id)) : id));

/** Has all vectors, once they were asked for. */
class Vectors implements VectorSource {
  readonly ready = new Set<number>();
  asked = 0;

  turns(_tokens: readonly number[], _from: number, count: number): Int32Array {
    return new Int32Array(3 * count);
  }

  of(tokens: readonly number[]): ReturnType<VectorSource["of"]> {
    const missing = tokens.filter((id) => id < 0 && !this.ready.has(id));
    if (missing.length > 0) {
      this.asked++;
      return new Promise<void>((resolve) => { setTimeout(() => { for (const id of missing) this.ready.add(id); resolve(); }, 1); });
    }
    return tokens.flatMap((id, at) => (id < 0 ? [{ at, values: Float32Array.from(vectorOf(id)) }] : []));
  }
}

const asking = (prompt: readonly number[], more: object = {}) => request(prompt, { maxTokens: 6, vectors: new Vectors(), ...more });

test("positions by axis: a picture's rows and columns go on from the text before it, and the text behind from the largest", () => {
  const source = { data: new Blob(), path: "messages[0].content[0]" };
  const seen = { source, hash: "a", first: -2, tokens: 6, grid: [2, 3] as const, prompt: "" };
  const vectors = new PromptVectors(new Pictures(), [seen], () => assert.fail("nothing is encoded"));
  const tokens = [5, 6, -2, -3, -4, -5, -6, -7, 8];
  const turns = vectors.turns(tokens, 0, 11);
  const by = (axis: number): number[] => Array.from(turns).filter((_, i) => i % 3 === axis);
  // transformers' get_rope_index for this prompt, and two tokens of the answer.
  assert.deepEqual([by(0), by(1), by(2)], [[0, 1, 2, 2, 2, 2, 2, 2, 5, 6, 7], [0, 1, 2, 2, 2, 3, 3, 3, 5, 6, 7], [0, 1, 2, 3, 4, 2, 3, 4, 5, 6, 7]]);
  tokens.push(9);
  assert.deepEqual([...vectors.turns(tokens, 9, 2)], [6, 6, 6, 7, 7, 7]);
  assert.deepEqual([...vectors.turns([5, 9], 1, 1)], [1, 1, 1], "where tokens were left out, it is counted anew");
  const rope = { invFreq: [1, 0.5], scale: 1, long: null, axes: [1, 2] };
  const place = { position: 7, isLong: false, turns: Int32Array.of(2, 3, 4) };
  assert.deepEqual([...rotaryTable(rope, [place])], [Math.cos(3), Math.sin(3), Math.cos(2), Math.sin(2)].map(Math.fround));
  assert.deepEqual([...rotaryTable({ ...rope, axes: undefined }, [place])], [Math.cos(7), Math.sin(7), Math.cos(3.5), Math.sin(3.5)].map(Math.fround));
});

test("nothing begins or ends in the middle of a picture", () => {
  const tokens = [1, ...shown(0), 2, ...shown(1), 3];
  assert.deepEqual([0, 1, 2, 4, 5, 6, 8, 11].map((length) => wholeLength(tokens, length)), [0, 1, 1, 1, 5, 6, 6, 11]);
  assert.deepEqual([[0, 3], [1, 3], [0, 5], [5, 8], [6, 7], [6, 11]].map(([begin = 0, end = 0]) => wholeEnd(tokens, begin, end)), [1, 5, 5, 6, 10, 11]);
});

for (const wholePictures of [false, true]) {
  test(`answers are those of the plain model, through chunks and the cache (in one piece: ${wholePictures})`, async () => {
    const it = setup({ wholePictures, prefillChunk: 5, contextLength: 64, pages: 16, maxPages: 16 });
    it.runner.pictureTokens = TOKENS;
    const first = [...promptOf(3, 1), ...shown(0), ...promptOf(2, 5), ...shown(1), 7];
    const prompts = [first, [...first, 8, 9, ...shown(0), 3], [...promptOf(3, 1), ...shown(0), 4, ...shown(2), 1]];
    for (const prompt of prompts) assert.deepEqual((await generate(it, asking(prompt))).ids, reference(asSeen(prompt), 6, NO_EOS));
    const again = await generate(it, asking(first));
    assert.equal(again.cached, first.length - 1);
    assert.deepEqual(again.ids, reference(asSeen(first), 6, NO_EOS));
  });
}

test("a prompt that ends with a picture is answered, again from the cache, too", async () => {
  for (const wholePictures of [false, true]) {
    const it = setup({ wholePictures, contextLength: 64, pages: 16, maxPages: 16 });
    it.runner.pictureTokens = TOKENS;
    const prompt = [...promptOf(3, 1), ...shown(0)];
    for (let i = 0; i < 2; i++) assert.deepEqual((await generate(it, asking(prompt))).ids, reference(asSeen(prompt), 6, NO_EOS));
  }
});

test("where memory is short, whoever waits again is computed again with its pictures", async () => {
  const it = setup({ rows: 4, contextLength: 32, pages: 4, maxPages: 12 });
  const prompts = [0, 1, 2, 3].map((picture) => [...promptOf(4, picture), ...shown(picture), 5]);
  const answers = await Promise.all(prompts.map((prompt) => generate(it, asking(prompt, { maxTokens: 12 }))));
  answers.forEach(({ ids }, i) => assert.deepEqual(ids, reference(asSeen(prompts[i] ?? []), 12, NO_EOS)));
});

test("a GPU that is lost while vectors are computed, or later, leaves the answer to the next one", async () => {
  for (const lostAt of [0, 3]) {
    const it = setup();
    const next = setup();
    const vectors = new Vectors();
    const heir = new Scheduler(it.runner, new SequenceManager(new FakePagedKv(), it.runner), 1, (_, left) => next.scheduler.adopt(left));
    const prompt = [9, ...shown(0), 6];
    let steps = 0;
    it.runner.delay = () => (steps++ === lostAt ? Promise.reject(new DeviceLostError("gone")) : Promise.resolve());
    const { ids } = await generate({ scheduler: heir }, asking(prompt, { vectors }));
    assert.deepEqual(ids, reference(asSeen(prompt), 6, NO_EOS));
    assert.equal(vectors.asked, 1, "what was encoded is kept");
  }
});

test("what is no word is never guessed, and an answer goes on beyond the context without half a picture", async () => {
  const repeated = [...promptOf(6, 1), ...shown(0), ...promptOf(6, 1)];
  const it = setup({ contextLength: 40, pages: 10, maxPages: 10 });
  assert.deepEqual((await generate(it, asking(repeated, { maxTokens: 20 }))).ids, reference(asSeen(repeated), 20, NO_EOS));
  for (const before of [12, 2]) { // in the part that is left out, and among the first tokens, which stay
    const sampler = new Sampler({ temperature: 0, topP: 1, seed: 1 }, repeated);
    const long = setup({ contextLength: 24, wholePictures: true });
    long.runner.pictureTokens = TOKENS;
    const prompt = [...promptOf(before, 1), ...shown(0), 5, 6];
    const { ids, finish } = await generate(long, { prompt, maxTokens: 30, shifts: true, eosTokenIds: NO_EOS, sampler, vectors: new Vectors() });
    assert.deepEqual([ids.length, finish], [30, "length"]);
    if (before === 2) assert.deepEqual(ids.slice(17), reference([...prompt.slice(0, 2), ...ids.slice(9, 17)], 13, NO_EOS));
  }
});
