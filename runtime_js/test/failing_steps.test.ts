// Steps that fail while others have a part in them, or begin with what they compute.

import assert from "node:assert/strict";
import { test } from "node:test";
import { embed } from "../src/engine/embedding.ts";
import { ProcessedAnswer, type LogitProcessor } from "../src/engine/logit_processor.ts";
import { Sampler } from "../src/engine/sampler.ts";
import { FakeConstraint } from "./fakes/constraint.ts";
import { NO_EOS, generate, promptOf, request, settle, setup, type Outcome, type Setup } from "./fakes/generations.ts";
import { pooled, reference } from "./fakes/runner.ts";

const WIDE = { contextLength: 256, prefillChunk: 16, pages: 64, maxPages: 256, rows: 8 };
const NEVER = new AbortController().signal;
const BEGINNING = promptOf(48, 1);

/** Refuses a chunk, which writes nothing then, when it is told to. */
function failChunk(it: Setup, number: number): { readonly submitted: Promise<void>; readonly fail: () => void } {
  const prefill = it.runner.prefill.bind(it.runner);
  let [chunks, submit, fail] = [0, (): void => undefined, (): void => undefined];
  const submitted = new Promise<void>((resolve) => { submit = resolve; });
  const failing = new Promise<void>((_, reject) => { fail = () => reject(new Error("no rows")); });
  it.runner.prefill = (...given) => {
    if (++chunks !== number) return prefill(...given);
    submit();
    return failing;
  };
  return { submitted, fail };
}

test("who began with the tokens of a chunk that fails is computed again", async () => {
  const it = setup(WIDE);
  const { submitted, fail } = failChunk(it, 3);
  const first = assert.rejects(generate(it, request([...BEGINNING, ...promptOf(64, 2)])), /no rows/);
  await submitted;
  const second = generate(it, request([...BEGINNING, 7, 8, 9], { maxTokens: 8 }));
  await settle();
  fail();
  await first;
  assert.deepEqual((await second).ids, reference([...BEGINNING, 7, 8, 9], 8, NO_EOS));
});

test("a text whose beginning is in a chunk that fails is embedded again", async () => {
  const it = setup(WIDE);
  const { submitted, fail } = failChunk(it, 3);
  const text = [...BEGINNING, 7, 8, 9];
  const first = assert.rejects(generate(it, request([...BEGINNING, ...promptOf(64, 2)])), /no rows/);
  await submitted;
  const second = embed(it.scheduler, [text, text], it.runner.shape, "last", NEVER);
  await settle();
  fail();
  await first;
  assert.deepEqual((await second).vectors, [pooled(text, 0).last, pooled(text, 0).last]);
});

test("where one of several texts cannot be embedded the others are computed no more", async () => {
  const it = setup({ ...WIDE, rows: 1 });
  const encode = it.runner.encode.bind(it.runner);
  let calls = 0;
  it.runner.encode = (...given) => (++calls === 2 ? Promise.reject(new Error("no rows")) : encode(...given));
  await assert.rejects(embed(it.scheduler, Array.from({ length: 8 }, (_, i) => promptOf(60, i)), it.runner.shape, "mean", NEVER), /no rows/);
  await settle();
  assert.ok(calls < 6, `${calls} chunks of 32`);
});

test("what a chunk leaves that fails behind its answer's end is not known to the next one", async () => {
  const it = setup(WIDE);
  const { submitted, fail } = failChunk(it, 2);
  let stop = (): void => undefined;
  const ended = new Promise((resolve, reject) => {
    stop = it.scheduler.add(request([...BEGINNING, 5]), { begin: () => undefined, token: () => false, end: resolve, fail: reject });
  });
  await submitted;
  stop();
  assert.equal(await ended, "abort");
  fail();
  await settle();
  assert.deepEqual((await generate(it, request([...BEGINNING, 5, 6], { maxTokens: 8 }))).ids, reference([...BEGINNING, 5, 6], 8, NO_EOS));
});

test("a form or a processor that fails in a step fails its own answer alone", async () => {
  let calls = 0;
  const failLate = (): void => { if (++calls % 3 === 0) throw new Error("mine"); };
  const processor: LogitProcessor = { processLogits: (logits) => { failLate(); return logits; }, processSampledToken: () => undefined, resetState: () => undefined };
  const failing = new FakeConstraint([[1, 2], [3, 4], [5, 6], null], 96);
  const mask = failing.mask.bind(failing);
  failing.mask = () => { failLate(); return mask(); };
  const prompt = promptOf(6, 5);
  for (const own of [{ constraint: failing }, { sampler: new Sampler({ temperature: 0 }, prompt, 0, new ProcessedAnswer(processor, false)) }]) {
    const it = setup(WIDE);
    const others = [1, 2].map((seed) => generate(it, request(promptOf(9, seed), { maxTokens: 40 })));
    await assert.rejects(generate(it, request(prompt, own)), /mine/);
    assert.deepEqual((await Promise.all(others)).map(({ ids }) => ids), [1, 2].map((seed) => reference(promptOf(9, seed), 40, NO_EOS)));
  }
});

test("where all steps fail from one on, everybody is told", async () => {
  for (let good = 0; good < 24; good++) {
    const it = setup(WIDE);
    const { delay } = it.runner;
    let calls = 0;
    it.runner.delay = () => (++calls > good ? Promise.reject(new Error("gone")) : delay());
    // Who begins with what another one has in the cache waits for a step alone, and its step may be under way when the other's fails.
    const answers = [17, 17, 33, 18, 17].map((length, i) => generate(it, request(promptOf(length, 1), { maxTokens: 60 + i })));
    for (const { status } of await Promise.allSettled(answers)) assert.equal(status, "rejected");
  }
});

test("who was put back while a step of theirs is under way begins again with all others when one before it fails", async () => {
  const prompts = [promptOf(5, 1), promptOf(5, 2)];
  for (let length = 1; length < 8; length++) { // behind one of these tokens the first soon gets a page of the second
    const it = setup({ contextLength: 64, pages: 8, maxPages: 8, rows: 3 });
    it.runner.encode = () => settle().then(() => Promise.reject(new Error("gone")));
    let failed: Promise<void> | undefined;
    const answers = prompts.map((prompt, i) => generate(it, request(prompt, { maxTokens: 20 }), (count) => {
      if (i === 0 && count === length) failed = assert.rejects(embed(it.scheduler, [promptOf(3, 3)], it.runner.shape, "last", NEVER), /gone/);
      return false;
    }));
    assert.deepEqual((await Promise.all(answers)).map(({ ids }) => ids), prompts.map((prompt) => reference(prompt, 20, NO_EOS)));
    await failed;
  }
});

/** Has a prompt of seven chunks stopped in the third one, and gives how it ended. */
async function stopThird(it: Setup, before: () => Promise<void> = () => Promise.resolve()): Promise<string> {
  it.runner.leaves = true;
  let chunks = 0;
  return new Promise<string>((resolve, reject) => {
    const listener = { begin: () => undefined, token: () => false, end: resolve, fail: reject };
    const stop = it.scheduler.add(request([...BEGINNING, ...promptOf(64, 2)], { maxTokens: 1 }), listener);
    it.runner.chunkDelay = async () => {
      if (++chunks !== 3) return;
      await before();
      stop();
    };
  });
}

test("a prompt that is stopped is left in its chunk, and what was computed before it is kept", async () => {
  const it = setup(WIDE);
  assert.equal(await stopThird(it), "abort");
  const { ids, cached } = await generate(it, request([...BEGINNING, 7], { maxTokens: 8 }));
  assert.deepEqual([ids, cached], [reference([...BEGINNING, 7], 8, NO_EOS), 32]);
  assert.ok(it.runner.calls.includes("left"));
});

test("a chunk that another one has begun with is computed to its end", async () => {
  const it = setup(WIDE);
  let second: Promise<Outcome> | undefined;
  await stopThird(it, async () => {
    second = generate(it, request([...BEGINNING, 7], { maxTokens: 8 }));
    await settle();
  });
  assert.deepEqual((await second)?.ids, reference([...BEGINNING, 7], 8, NO_EOS));
  assert.ok(!it.runner.calls.includes("left"));
});
