import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { FinishReason } from "../src/engine/generation.ts";
import { ChunkLength, StepPace } from "../src/engine/pace.ts";
import { Sampler, seedWords } from "../src/engine/sampler.ts";
import type { SamplingConfig } from "../src/engine/sampling.ts";
import { Scheduler, type Stop } from "../src/engine/scheduler.ts";
import { SequenceManager } from "../src/engine/sequences.ts";
import { MIN_SLOTS } from "../src/executor/abi.generated.ts";
import { OutOfMemoryError } from "../src/support/errors.ts";
import { FakeConstraint } from "./fakes/constraint.ts";
import { FakePagedKv } from "./fakes/paged_kv.ts";
import { NO_EOS, SHAPE, generate, promptOf, request, settle, setup, shapeOf } from "./fakes/generations.ts";
import { FakeRunner, VOCABULARY, nextToken, reference } from "./fakes/runner.ts";
import { runInVirtualTime } from "./fakes/virtual_gpu.ts";

test("an answer equals the plain reference, through chunks, pages and a full pipeline", async () => {
  const it = setup();
  const prompt = promptOf(12, 3);
  const { ids, finish } = await generate(it, request(prompt, { maxTokens: 10 }));
  assert.deepEqual(ids, reference(prompt, 10, NO_EOS));
  assert.equal(finish, "length");
  assert.deepEqual(it.runner.calls.slice(0, 3), ["prefill 5", "prefill 5", "prefill 2"]);
  assert.equal(it.runner.calls.filter((call) => call === "decode").length, 9, "no step beyond max_tokens");
  assert.ok(it.runner.deepestPipeline >= 2 && it.runner.deepestPipeline <= 6);
});

test("the faster the GPU, the more steps ahead", () => {
  const depthAt = (milliseconds: number): number => {
    const pace = new StepPace();
    for (let token = 0; token < 20; token++) pace.tokensRead(1, 1000 + token * milliseconds);
    return pace.depth;
  };
  assert.deepEqual([500, 200, 100, 12, 5, 3, 2, 1, 0].map(depthAt), [1, 1, 2, 2, 3, 5, 6, 6, 6]);
});

test("what a number of rows took is forgotten when no step had it for long, as the first of its kind may be slow", () => {
  const pace = new StepPace();
  let now = 0;
  const step = (rows: number, milliseconds: number): void => pace.tokensRead(rows, now += milliseconds, now - milliseconds);
  for (let i = 0; i < 8; i++) step(1, 4);
  const presumed = pace.time(4);
  step(4, 300); // a driver's work on kernels that are new to it
  for (let i = 0; i < 60; i++) {
    assert.ok(pace.time(4) > 200);
    step(1, 4);
  }
  for (let i = 0; i < 8; i++) step(1, 4);
  assert.ok(Math.abs(pace.time(4) - presumed) < 0.1, "it gets another try");
  assert.ok(Math.abs(pace.time(1) - 4) < 0.1);
  step(4, 8);
  step(4, 6);
  assert.ok(pace.time(4) < 10, "and what it took then does not count any more");
});

test("a chunk of a prompt is as long as the GPU computes in time, and the first is short where nothing is known", () => {
  const slow = new ChunkLength({ prefillChunk: 512 }, 400, 16);
  assert.equal(slow.value, 16);
  slow.measured(16, 300);
  assert.equal(slow.value, 16);
  slow.measured(16, 10_000);
  assert.equal(slow.value, 16, "fewer tokens than products work on at a time take as long");
  slow.measured(16, 90);
  assert.equal(slow.value, 64, "it grows by four times at most");
  slow.measured(64, 900);
  assert.equal(slow.value, 16, "one that took too long is not sent again");
  const fast = new ChunkLength({ prefillChunk: 512 }, 400, 16);
  for (const [tokens, expected] of [[16, 64], [64, 256], [100, 256], [256, 512], [512, 512]] as const) {
    fast.measured(tokens, 4);
    assert.equal(fast.value, expected);
  }
  assert.equal(new ChunkLength({ prefillChunk: 5 }, 400, 16).value, 5);
  const firsts = [0, 0.1, 0.8, 2, 10, 25, 400].map((tokenMs) => new ChunkLength({ prefillChunk: 512, tokenMs }, 400, 16).value);
  assert.deepEqual(firsts, [512, 512, 496, 192, 32, 16, 16], "what the self-test tells");
  const cpu = new ChunkLength({ prefillChunk: 512 }, 400, 64);
  cpu.measured(64, 6000);
  assert.equal(cpu.value, 64, "less than a tile of tokens takes as long");
});

/** Milliseconds of the chunks of a prompt of 300 tokens on a machine that takes so long for one, and was found to take `tokenMs`. */
async function chunksAt(context: TestContext, milliseconds: number, tokenMs?: number): Promise<number[]> {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const shape = shapeOf({ contextLength: 400, pageSize: 4, prefillChunk: 128, shortestChunk: 16, rowCounts: [1], slots: 0 });
  const runner = new FakeRunner({ ...shape, tokenMs }, 100, 100);
  const sequences = new SequenceManager(new FakePagedKv(), runner);
  const chunks: number[] = [];
  const prefillOnce = runner.prefill.bind(runner);
  let free: Promise<void> = Promise.resolve(); // one chunk after the other
  runner.prefill = async (tokens, position, cache) => {
    await prefillOnce(tokens, position, cache);
    chunks.push(milliseconds * tokens.length);
    free = free.then(async () => { await settle(); now += milliseconds * tokens.length; });
    await free;
  };
  const prompt = promptOf(300, 3);
  const it = { kv: new FakePagedKv(), runner, sequences, scheduler: new Scheduler(runner, sequences) };
  assert.deepEqual((await generate(it, request(prompt, { maxTokens: 3 }))).ids, reference(prompt, 3, NO_EOS));
  return chunks;
}

test("no chunk is longer than half a second on a slow GPU, which gives the same answer", async (context) => {
  for (const tokenMs of [undefined, 20, 28]) {
    const chunks = await chunksAt(context, 20, tokenMs);
    assert.ok(chunks.length > 10 && Math.max(...chunks) <= 500, String(chunks));
  }
});

test("on a GPU that was found to be fast the first chunk is a whole one", async (context) => {
  assert.deepEqual(await chunksAt(context, 1, 1.5), [128, 128]);
  assert.equal((await chunksAt(context, 1))[0], 16);
});

test("where a step takes long, none is computed beyond an end, and answers stay the same", async (context) => {
  let now = 0;
  context.mock.method(performance, "now", () => (now += 500));
  const it = setup();
  const prompt = promptOf(7, 1);
  const plain = reference(prompt, 8, NO_EOS);
  const eosTokenIds = new Set([plain[4] ?? -1]);
  const { ids } = await generate(it, request(prompt, { eosTokenIds }));
  assert.deepEqual(ids, reference(prompt, 8, eosTokenIds));
  assert.equal(it.runner.calls.filter((call) => call === "decode").length, ids.length - 1);
  const longer = [...prompt, ...ids, 5];
  const { ids: next, cached } = await generate(it, request(longer, { maxTokens: 6 }));
  assert.deepEqual(next, reference(longer, 6, NO_EOS));
  assert.equal(cached, prompt.length + ids.length - 1, "no step had added the end token");
});

test("a chunk of a prompt is submitted while the one before it is computed", async () => {
  const it = setup();
  await generate(it, request(promptOf(8, 40), { maxTokens: 1 })); // so that the length of a chunk is known
  it.runner.calls.length = 0;
  const computed: (() => void)[] = [];
  const prefillOnce = it.runner.prefill.bind(it.runner);
  it.runner.prefill = async (tokens, position, cache) => {
    await prefillOnce(tokens, position, cache);
    await new Promise<void>((resolve) => { computed.push(resolve); });
  };
  const prompt = promptOf(23, 3);
  const answer = generate(it, request(prompt, { maxTokens: 1 }));
  await settle();
  assert.deepEqual(it.runner.calls, ["prefill 5", "prefill 5"]);
  for (let chunk = 0; chunk < 4; chunk++) {
    computed[chunk]?.();
    await settle();
    assert.equal(it.runner.calls.length, Math.min(5, chunk + 3));
  }
  assert.deepEqual((await answer).ids, [nextToken(prompt)]);
});

test("an end token stops, and what ran beyond it is rolled back", async () => {
  const it = setup();
  const prompt = promptOf(6, 1);
  const plain = reference(prompt, 8, NO_EOS);
  const eosTokenIds = new Set([plain[4] ?? -1]);
  const expected = reference(prompt, 8, eosTokenIds);
  const { ids, finish } = await generate(it, request(prompt, { eosTokenIds }));
  assert.deepEqual(ids, expected);
  assert.equal(finish, "stop");
  const { cached } = await generate(it, request([...prompt, ...expected, 3]));
  assert.equal(cached, prompt.length + expected.length, "the end token is known, so it stays");
});

test("a follow-up computes only what is new", async () => {
  const it = setup();
  const first = promptOf(6, 1);
  const answer = (await generate(it, request(first, { maxTokens: 5 }))).ids;
  const second = [...first, ...answer, 5, 9, 2];
  it.runner.calls.length = 0;
  const { ids, cached } = await generate(it, request(second, { maxTokens: 6 }));
  assert.deepEqual(ids, reference(second, 6, NO_EOS));
  assert.equal(cached, first.length + answer.length - 1, "all but the last answered token, which no step had added");
  assert.equal(it.runner.calls[0], "prefill 4");
});

test("the same prompt again computes its last token only; another prompt starts over, and neither forgets the other", async () => {
  const it = setup();
  const prompt = promptOf(9, 2);
  const once = await generate(it, request(prompt, { maxTokens: 4 }));
  const other = promptOf(7, 50);
  const different = await generate(it, request(other, { maxTokens: 4 }));
  assert.deepEqual(different.ids, reference(other, 4, NO_EOS));
  assert.equal(different.cached, 0);
  const again = await generate(it, request(prompt, { maxTokens: 4 }));
  assert.deepEqual([again.ids, again.cached], [once.ids, prompt.length - 1]);
  it.sequences.forget();
  assert.equal((await generate(it, request(prompt, { maxTokens: 4 }))).cached, 0);
});

/** Two conversations behind one beginning, and then the first goes on. */
async function checkSharedBeginning(
  it: ReturnType<typeof setup>, system: number[], restOfA: number[], restOfB: number[], maxTokens: number,
): Promise<void> {
  const [a, b] = [[...system, ...restOfA], [...system, ...restOfB]];
  const first = await generate(it, request(a, { maxTokens }));
  const second = await generate(it, request(b, { maxTokens }));
  assert.deepEqual([second.ids, second.cached], [reference(b, maxTokens, NO_EOS), system.length]);
  const longer = [...a, ...first.ids, 7];
  const third = await generate(it, request(longer, { maxTokens }));
  assert.deepEqual([third.ids, third.cached], [reference(longer, maxTokens, NO_EOS), longer.length - 2]);
}

test("conversations that begin alike share pages, and the first is not spoilt", async () => {
  await checkSharedBeginning(setup(), promptOf(6, 4), promptOf(8, 20), promptOf(4, 60), 3);
});

test("the cache grows as a conversation does, up to the context length; then what was idle longest goes", async () => {
  const it = setup({ pages: 1 });
  const prompt = promptOf(3, 7);
  const { ids, finish } = await generate(it, request(prompt));
  assert.equal(finish, "length");
  assert.deepEqual(ids, reference(prompt, SHAPE.contextLength - prompt.length, NO_EOS));
  assert.equal(it.kv.kv_capacity(0), 8);
  const other = promptOf(20, 50);
  assert.deepEqual((await generate(it, request(other))).ids, reference(other, 12, NO_EOS));
  assert.equal((await generate(it, request(prompt, { maxTokens: 1 }))).cached, 0);
});

test("where the GPU has no room for more, idle conversations go first, and then the request fails and nobody else", async () => {
  const it = setup({ pages: 4, maxPages: 4 });
  const [prompt, other] = [promptOf(9, 7), promptOf(10, 50)];
  await generate(it, request(prompt, { maxTokens: 3 }));
  assert.deepEqual((await generate(it, request(other, { maxTokens: 4 }))).ids, reference(other, 4, NO_EOS));
  await assert.rejects(generate(it, request(promptOf(20, 1))), OutOfMemoryError);
  assert.deepEqual((await generate(it, request(prompt, { maxTokens: 4 }))).ids, reference(prompt, 4, NO_EOS));
});

test("leaving rolls back at once, and the next request is right", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const left = await generate(it, request(prompt), (count, stop) => {
    if (count === 3) stop();
    return false;
  });
  assert.deepEqual([left.ids.length, left.finish], [3, "abort"]);
  assert.deepEqual((await generate(it, request(prompt, { maxTokens: 8 }))).ids, reference(prompt, 8, NO_EOS));
});

test("a listener ends its answer with a token", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const { ids, finish } = await generate(it, request(prompt), (count) => count === 4);
  assert.deepEqual([ids, finish], [reference(prompt, 4, NO_EOS), "stop"]);
});

test("an answer is stopped between chunks, and while a step takes for ever", async () => {
  const it = setup();
  let stopping: Stop = () => undefined;
  it.runner.prefill = () => new Promise(() => stopping());
  const ended = new Promise<FinishReason>((resolve, reject) => {
    stopping = it.scheduler.add(request(promptOf(12, 2)), { begin: () => undefined, token: () => false, end: resolve, fail: reject });
  });
  assert.equal(await ended, "abort");
});

test("a runner's error reaches the caller, and the next request works on a cache that was not touched by it", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const decodeOnce = it.runner.decode.bind(it.runner);
  let calls = 0;
  it.runner.decode = (rows) => (++calls === 3 ? Promise.reject(new Error("GPU")) : decodeOnce(rows));
  await assert.rejects(generate(it, request(prompt)), /GPU/);
  it.runner.decode = (): never => { throw new Error("at once"); };
  await assert.rejects(generate(it, request(prompt)), /at once/);
  it.runner.decode = decodeOnce;
  const { ids, cached } = await generate(it, request(prompt, { maxTokens: 8 }));
  assert.deepEqual([ids, cached], [reference(prompt, 8, NO_EOS), 0]);
});

test("a cache that may return less than it is asked to keep is computed again from there", async () => {
  const it = setup();
  const truncate = it.kv.kv_truncate.bind(it.kv);
  it.kv.kv_truncate = (id, length) => truncate(id, length - length % 3);
  const prompt = promptOf(7, 9);
  const { ids } = await generate(it, request(prompt, { maxTokens: 4 }));
  const longer = [...prompt, ...ids, 5, 6];
  const next = await generate(it, request(longer, { maxTokens: 4 }));
  assert.deepEqual(next.ids, reference(longer, 4, NO_EOS));
  assert.equal(next.cached, 9);
});

test("states in slots: what ran beyond an end is undone, and the conversation goes on from there", async () => {
  const it = setup({ slots: 64 });
  const prompt = promptOf(12, 1);
  const plain = reference(prompt, 8, NO_EOS);
  const eosTokenIds = new Set([plain[4] ?? -1]);
  const { ids } = await generate(it, request(prompt, { eosTokenIds }));
  assert.deepEqual(ids, reference(prompt, 8, eosTokenIds));
  assert.ok(it.runner.deepestPipeline >= 2);
  const longer = [...prompt, ...ids, 3, 4];
  const next = await generate(it, request(longer, { maxTokens: 6 }));
  assert.deepEqual([next.ids, next.cached], [reference(longer, 6, NO_EOS), prompt.length + ids.length]);
});

test("states in slots: a message that is edited goes back to the latest state before it, and the rest is computed again", async () => {
  const it = setup({ slots: 64 });
  const prompt = promptOf(14, 1); // in chunks of 5, 5 and 4
  await generate(it, request(prompt, { maxTokens: 4 }));
  for (const [at, kept] of [[12, 10], [8, 5], [3, 0]] as const) {
    const edited = prompt.with(at, 96);
    const { ids, cached } = await generate(it, request(edited, { maxTokens: 4 }));
    assert.deepEqual([ids, cached], [reference(edited, 4, NO_EOS), kept]);
  }
});

test("states in slots: conversations that begin alike share the state after a beginning, and none spoils another", async () => {
  await checkSharedBeginning(setup({ slots: 64 }), promptOf(10, 4), promptOf(12, 20), promptOf(3, 60), 2);
});

test("states in slots: where few fit, conversations that wait go first, and no page is taken for a slot", async () => {
  const it = setup({ slots: 8 });
  for (let turn = 0; turn < 6; turn++) {
    const prompt = promptOf(6, 10 * turn);
    assert.deepEqual((await generate(it, request(prompt, { maxTokens: 9 }))).ids, reference(prompt, 9, NO_EOS));
  }
  const rows = setup({ slots: 8, rows: 4, maxPages: 64 });
  const prompts = [promptOf(6, 1), promptOf(9, 2), promptOf(4, 3), promptOf(11, 4), promptOf(5, 5)];
  const answers = await Promise.all(prompts.map((prompt, i) => generate(rows, request(prompt, { maxTokens: 6 + i }))));
  assert.deepEqual(answers.map(({ ids }) => ids), prompts.map((prompt, i) => reference(prompt, 6 + i, NO_EOS)));
  const none = setup({ slots: 1 });
  await assert.rejects(generate(none, request(promptOf(6, 1))), /no room for the states/);
  assert.equal(none.kv.kv_capacity(0), 8);
});

test("states in slots: of the smallest pool, one state is the prompt's, and what may be wrong in an answer's midst goes no further than can be taken back", async (context) => {
  const it = setup({ slots: MIN_SLOTS, prefillChunk: 16 });
  runInVirtualTime(context, it, { steps: { 1: 1 }, latency: 1 });
  const prompt = promptOf(14, 1);
  await generate(it, request(prompt, { maxTokens: 15 }));
  assert.ok(it.runner.deepestPipeline >= 4);
  const other = await generate(it, request([...prompt, 96, 95], { maxTokens: 3 }));
  assert.deepEqual([other.ids, other.cached], [reference([...prompt, 96, 95], 3, NO_EOS), prompt.length - 1]);
  const formed = setup({ slots: MIN_SLOTS });
  const constraint = new FakeConstraint(Array.from({ length: 15 }, (_, i) => (i < 12 ? [3, 4, 70] : [5, 6])), 95);
  await generate(formed, request(prompt, { constraint }));
  assert.ok(formed.runner.deepestPipeline < MIN_SLOTS);
  assert.deepEqual(formed.runner.calls.filter((call) => call.startsWith("prefill")), ["prefill 5", "prefill 5", "prefill 3"], "nothing is computed again");
});

test("states in slots: rows of one sequence each read what the row before writes, and go back to any of them", async () => {
  const { sequences, runner } = setup({ slots: 64 });
  await runner.prepare(4);
  const tokens = promptOf(12, 1);
  const draw = new Sampler({ temperature: 0, topP: 1, seed: 1 }, tokens).next();
  const sequence = sequences.acquire([]);
  await sequences.append(sequence, 5);
  const [prompt] = sequences.views([sequence]);
  assert.ok(prompt);
  await runner.prefill(tokens.slice(0, 5), 0, prompt);
  sequence.commit(tokens.slice(0, 5));
  const rowsFrom = async (first: number, draft: readonly number[]): Promise<number[]> => {
    const caches = await sequences.appendRows(sequence, draft.length);
    return (await runner.decode(caches.map((cache, i) => ({ position: first + i, cache, ...draw, token: draft[i] })))).map(({ token }) => token);
  };
  const expected = (...lengths: number[]): number[] => lengths.map((length) => nextToken(tokens.slice(0, length)));
  assert.deepEqual(await rowsFrom(5, [...tokens.slice(5, 7), 90, 91]).then((ids) => ids.slice(0, 2)), expected(6, 7));
  sequence.commit(tokens.slice(5, 7));
  sequences.truncate(sequence, 7);
  assert.equal(sequences.length(sequence), 7, "the refused ones are gone, the others are not");
  assert.deepEqual(await rowsFrom(7, tokens.slice(7, 11)), expected(8, 9, 10, 11));
});

test("requests run one after the other, in order", async () => {
  const it = setup();
  const prompts = [promptOf(6, 1), promptOf(9, 2), promptOf(4, 3)];
  const order: number[] = [];
  const answers = await Promise.all(prompts.map((prompt, i) => generate(it, request(prompt, { maxTokens: 7 }), () => {
    order.push(i);
    return false;
  })));
  assert.deepEqual(order, [...order].sort());
  assert.deepEqual(answers.map(({ ids }) => ids), prompts.map((prompt) => reference(prompt, 7, NO_EOS)));
});

test("several sequences run in one step where that is allowed, and each gives its own tokens", async () => {
  const it = setup({ rows: 4, maxPages: 32 });
  const prompts = [promptOf(6, 1), promptOf(9, 2), promptOf(4, 3), promptOf(11, 4), promptOf(5, 5)];
  const answers = await Promise.all(prompts.map((prompt, i) => generate(it, request(prompt, { maxTokens: 6 + i }))));
  assert.deepEqual(answers.map(({ ids }) => ids), prompts.map((prompt, i) => reference(prompt, 6 + i, NO_EOS)));
  assert.ok(it.runner.calls.includes("decode 4"));
});

test("a stop while waiting takes the request out of the queue, and the ones behind it go on", async () => {
  const it = setup();
  const running = generate(it, request(promptOf(6, 1), { maxTokens: 9 }));
  let stop: Stop = () => undefined;
  const stopped = new Promise<FinishReason>((resolve, reject) => {
    stop = it.scheduler.add(request(promptOf(6, 2)), { begin: () => assert.fail("it began"), token: () => false, end: resolve, fail: reject });
  });
  const behind = generate(it, request(promptOf(6, 3), { maxTokens: 2 }));
  stop();
  assert.equal(await stopped, "abort");
  assert.deepEqual([(await running).ids.length, (await behind).ids.length], [9, 2]);
});

test("closing ends what runs and refuses what waits and what comes", async () => {
  const it = setup();
  const running = generate(it, request(promptOf(6, 1)), (count) => {
    if (count === 2) it.scheduler.close(new Error("closed"));
    return false;
  });
  const waiting = generate(it, request(promptOf(6, 2)));
  await assert.rejects(waiting, /closed/);
  assert.deepEqual([(await running).finish, (await running).ids.length], ["abort", 2]);
  await assert.rejects(generate(it, request(promptOf(6, 2))), /closed/);
});

test("greedy steps have one set of words; others count steps and carry 64 bits of seed", () => {
  const greedy = new Sampler({ temperature: 0, topP: 1, seed: undefined }, []);
  assert.deepEqual(greedy.next(), greedy.next());
  const sampled = new Sampler({ temperature: 0.5, topP: 0.9, seed: -2 }, []);
  const words = [sampled.next(), sampled.next()].map(({ sampling }) => sampling);
  assert.deepEqual(words.map((step) => step[4]), [0, 1]);
  assert.deepEqual([...words[0]?.subarray(2, 4) ?? []], [0xfffffffe, 0xffffffff]);
  assert.equal(new Float32Array(words[0]?.buffer ?? new ArrayBuffer(8))[0], 0.5);
});

test("penalties count tokens that the CPU has not read, and a control slot is a request's for its life", async () => {
  const plain = (prompt: readonly number[], config: SamplingConfig, count: number): number[] => {
    const tokens = [...prompt];
    for (let i = 0; i < count; i++) {
      const next = nextToken(tokens);
      const seen = (token: number): number => tokens.slice(prompt.length).filter((one) => one === token).length;
      const logits = Array.from({ length: VOCABULARY }, (_, token) => 4 - (token - next + VOCABULARY) % VOCABULARY
        - seen(token) * (config.frequencyPenalty ?? 0) - Math.min(1, seen(token)) * (config.presencePenalty ?? 0));
      tokens.push(logits.indexOf(Math.max(...logits)));
    }
    return tokens.slice(prompt.length);
  };
  const it = setup({ pages: 24, maxPages: 24, rows: 2 });
  const configs = [{ frequencyPenalty: 2 }, { presencePenalty: 2, frequencyPenalty: -1 }].map((one) => ({ temperature: 0, topP: 1, seed: 1, ...one }));
  const prompts = [promptOf(6, 1), promptOf(7, 2)];
  const answers = await Promise.all(configs.map((config, i) =>
    generate(it, request(prompts[i] ?? [], { maxTokens: 20 + i, sampler: new Sampler(config, prompts[i] ?? []) }))));
  assert.deepEqual(answers.map(({ ids }) => ids), configs.map((config, i) => plain(prompts[i] ?? [], config, 20 + i)));
});

test("each choice of a seed draws its own numbers, and the first is the seed itself", () => {
  const words = [0, 1, 2, 0].map((choice) => seedWords(7, choice).join());
  assert.equal(words[0], "7,0");
  assert.equal(new Set(words).size, 3);
  assert.deepEqual([...seedWords(0, 1)], [0x7b1dcdaf, 0xe220a839]); // splitmix64's first number after 0
});
