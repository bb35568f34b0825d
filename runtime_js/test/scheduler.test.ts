import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortError, ContextWindowSizeExceededError } from "../src/support/errors.ts";
import { Sampler } from "../src/engine/sampler.ts";
import { PipelineDepth, decode, prefill, type FinishReason, type GenerationOptions } from "../src/engine/generate.ts";
import { RequestQueue } from "../src/engine/queue.ts";
import { Sequence } from "../src/engine/sequence.ts";
import { FakePagedKv } from "./fakes/paged_kv.ts";
import { FakeRunner, VOCABULARY, nextToken, reference } from "./fakes/runner.ts";

const SHAPE = { contextLength: 32, pageSize: 4, prefillChunk: 5, rows: 1 };
const NO_EOS: ReadonlySet<number> = new Set();

interface Setup {
  readonly kv: FakePagedKv;
  readonly runner: FakeRunner;
  readonly sequence: Sequence;
}

/** 8 pages of 4 tokens; the cache begins with `pages` of them. */
function setup(pages = 8): Setup {
  const kv = new FakePagedKv();
  const runner = new FakeRunner(SHAPE, pages, 8);
  return { kv, runner, sequence: new Sequence(kv, runner, pages) };
}

function options(overrides: Partial<GenerationOptions> = {}): GenerationOptions {
  const sampler = new Sampler({ temperature: 0, topP: 1, seed: 1 });
  return { maxTokens: Infinity, eosTokenIds: NO_EOS, sampler, signal: new AbortController().signal, ...overrides };
}

function promptOf(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => (i * 13 + seed) % VOCABULARY);
}

async function generate(
  { runner, sequence }: Setup, prompt: readonly number[], given: GenerationOptions,
): Promise<{ ids: number[]; cached: number; finish: FinishReason | null }> {
  const { cached, first } = await prefill(runner, sequence, prompt, given);
  const ids: number[] = [];
  let finish: FinishReason | null = null;
  if (first !== null) {
    for await (const { token, finishReason } of decode(runner, sequence, first, given)) {
      ids.push(token);
      finish = finishReason;
    }
  }
  return { ids, cached, finish };
}

test("an answer equals the plain reference, through chunks, pages and a full pipeline", async () => {
  const it = setup();
  const prompt = promptOf(12, 3);
  const { ids, finish } = await generate(it, prompt, options({ maxTokens: 10 }));
  assert.deepEqual(ids, reference(prompt, 10, NO_EOS));
  assert.equal(finish, "length");
  assert.deepEqual(it.runner.calls.slice(0, 3), ["prefill 5", "prefill 5", "prefill 2"]);
  assert.equal(it.runner.calls.filter((call) => call === "decode").length, 9, "no step beyond max_tokens");
  assert.ok(it.runner.deepestPipeline >= 2 && it.runner.deepestPipeline <= 6);
});

test("the faster the GPU, the more steps ahead", () => {
  const depthAt = (milliseconds: number): number => {
    const depth = new PipelineDepth();
    for (let token = 0; token < 20; token++) depth.tokenRead(1000 + token * milliseconds);
    return depth.value;
  };
  assert.deepEqual([500, 200, 100, 12, 5, 3, 2, 1, 0].map(depthAt), [1, 1, 2, 2, 3, 5, 6, 6, 6]);
});

test("where a step takes long, none is computed beyond an end, and answers stay the same", async (context) => {
  let now = 0;
  context.mock.method(performance, "now", () => (now += 500));
  const it = setup();
  const prompt = promptOf(6, 1);
  const plain = reference(prompt, 8, NO_EOS);
  const eos = new Set([plain[4] ?? -1]);
  const expected = reference(prompt, 8, eos);
  const { ids } = await generate(it, prompt, options({ eosTokenIds: eos }));
  assert.deepEqual(ids, expected);
  assert.equal(it.runner.calls.filter((call) => call === "decode").length, ids.length - 1);
  const longer = [...prompt, ...ids, 5];
  const { ids: next, cached } = await generate(it, longer, options({ maxTokens: 6 }));
  assert.deepEqual(next, reference(longer, 6, NO_EOS));
  assert.equal(cached, prompt.length + ids.length - 1, "no step had added the end token");
});

test("a chunk of a prompt is submitted while the one before it is computed", async () => {
  const it = setup();
  const computed: (() => void)[] = [];
  const prefillOnce = it.runner.prefill.bind(it.runner);
  it.runner.prefill = async (tokens, position, cache) => {
    await prefillOnce(tokens, position, cache);
    await new Promise<void>((resolve) => { computed.push(resolve); });
  };
  const prompt = promptOf(23, 3);
  const started = prefill(it.runner, it.sequence, prompt, options());
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(it.runner.calls, ["prefill 5", "prefill 5"]);
  computed[0]?.();
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.equal(it.runner.calls.length, 3);
  for (let chunk = 1; chunk < 4; chunk++) {
    computed[chunk]?.();
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  assert.equal(await (await (await started).first)?.token, nextToken(prompt));
});

test("an end token stops, and what ran beyond it is rolled back", async () => {
  const it = setup();
  const prompt = promptOf(6, 1);
  const plain = reference(prompt, 8, NO_EOS);
  const eos = new Set([plain[4] ?? -1]);
  const expected = reference(prompt, 8, eos);
  const { ids, finish } = await generate(it, prompt, options({ eosTokenIds: eos }));
  assert.deepEqual(ids, expected);
  assert.equal(finish, "stop");
  assert.equal(it.sequence.length, prompt.length + expected.length, "the end token is known, so it stays");
});

test("a follow-up computes only what is new", async () => {
  const it = setup();
  const first = promptOf(6, 1);
  const answer = (await generate(it, first, options({ maxTokens: 5 }))).ids;
  const second = [...first, ...answer, 5, 9, 2];
  it.runner.calls.length = 0;
  const { ids, cached } = await generate(it, second, options({ maxTokens: 6 }));
  assert.deepEqual(ids, reference(second, 6, NO_EOS));
  assert.equal(cached, first.length + answer.length - 1, "all but the last answered token, which no step had added");
  assert.equal(it.runner.calls[0], "prefill 4");
});

test("the same prompt again computes its last token only; another prompt starts over", async () => {
  const it = setup();
  const prompt = promptOf(9, 2);
  const once = await generate(it, prompt, options({ maxTokens: 4 }));
  it.runner.calls.length = 0;
  const again = await generate(it, prompt, options({ maxTokens: 4 }));
  assert.deepEqual(again.ids, once.ids);
  assert.equal(it.runner.calls[0], "prefill 1");
  const other = promptOf(7, 50);
  const different = await generate(it, other, options({ maxTokens: 4 }));
  assert.deepEqual(different.ids, reference(other, 4, NO_EOS));
  assert.equal(different.cached, 0);
});

test("the cache grows as the conversation does, up to the context length", async () => {
  const it = setup(1);
  const prompt = promptOf(3, 7);
  const { ids, finish } = await generate(it, prompt, options());
  assert.equal(finish, "length");
  assert.deepEqual(ids, reference(prompt, SHAPE.contextLength - prompt.length, NO_EOS));
  assert.equal(it.kv.kv_capacity(), 8);
});

test("a prompt as long as the context window is refused, and the conversation is kept", async () => {
  const it = setup();
  const prompt = promptOf(10, 4);
  await generate(it, prompt, options({ maxTokens: 2 }));
  await assert.rejects(generate(it, promptOf(32, 4), options()), ContextWindowSizeExceededError);
  const { cached } = await generate(it, [...prompt, nextToken(prompt), 1], options({ maxTokens: 2 }));
  assert.equal(cached, 11);
});

test("leaving the loop rolls back and the next request is right", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const given = options();
  const { first } = await prefill(it.runner, it.sequence, prompt, given);
  assert.ok(first);
  let count = 0;
  for await (const { finishReason } of decode(it.runner, it.sequence, first, given)) {
    assert.equal(finishReason, null);
    if (++count === 3) break;
  }
  const { ids } = await generate(it, prompt, options({ maxTokens: 8 }));
  assert.deepEqual(ids, reference(prompt, 8, NO_EOS));
});

test("a signal ends the answer with abort, between chunks too", async () => {
  const it = setup();
  const controller = new AbortController();
  const given = options({ signal: controller.signal });
  const { first } = await prefill(it.runner, it.sequence, promptOf(5, 9), given);
  assert.ok(first);
  const reasons: (FinishReason | null)[] = [];
  for await (const { finishReason } of decode(it.runner, it.sequence, first, given)) {
    reasons.push(finishReason);
    if (reasons.length === 2) controller.abort();
  }
  assert.deepEqual(reasons, [null, null, "abort"]);
  assert.equal((await prefill(it.runner, it.sequence, promptOf(12, 2), given)).first, null);
});

test("a runner's error reaches the caller, and the next request works", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const decodeOnce = it.runner.decode.bind(it.runner);
  let calls = 0;
  it.runner.decode = (rows) => (++calls === 3 ? Promise.reject(new Error("GPU")) : decodeOnce(rows));
  await assert.rejects(generate(it, prompt, options()), /GPU/);
  it.runner.decode = decodeOnce;
  const { ids } = await generate(it, prompt, options({ maxTokens: 8 }));
  assert.deepEqual(ids, reference(prompt, 8, NO_EOS));
});

test("three requests at once run one after the other, in order", async () => {
  const it = setup();
  const queue = new RequestQueue();
  const order: number[] = [];
  const prompts = [promptOf(6, 1), promptOf(9, 2), promptOf(4, 3)];
  const answers = await Promise.all(prompts.map(async (prompt, i) => {
    const leave = await queue.enter();
    order.push(i);
    try {
      return (await generate(it, prompt, options({ maxTokens: 7 }))).ids;
    } finally {
      leave();
    }
  }));
  assert.deepEqual(order, [0, 1, 2]);
  assert.deepEqual(answers, prompts.map((prompt) => reference(prompt, 7, NO_EOS)));
});

test("a request that is aborted while it waits is refused, and the ones behind it go on", async () => {
  const queue = new RequestQueue();
  const leave = await queue.enter();
  const controller = new AbortController();
  const aborted = queue.enter(controller.signal);
  const behind = queue.enter();
  controller.abort();
  await assert.rejects(aborted, AbortError);
  leave();
  (await behind)();
  const refused = [await queue.enter(), queue.enter()] as const;
  queue.refuseWaiting(new AbortError("unloaded"));
  await assert.rejects(refused[1], /unloaded/);
});

test("greedy steps write the same words; sampled steps count up and keep their seed", () => {
  const greedy = new Sampler({ temperature: 0, topP: 1, seed: 5 });
  assert.deepEqual(greedy.next(), greedy.next());
  const sampled = new Sampler({ temperature: 0.5, topP: 0.9, seed: -2 });
  const words = [sampled.next(), sampled.next()];
  assert.deepEqual(words.map((step) => step[4]), [0, 1]);
  assert.deepEqual([...words[0]?.subarray(2, 4) ?? []], [0xfffffffe, 0xffffffff]);
  assert.equal(new Float32Array(words[0]?.buffer ?? new ArrayBuffer(8))[0], 0.5);
});
