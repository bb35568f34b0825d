// Requests that run together: who has a turn, what a prompt that joins costs the others, and what is known of prompts before.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { MAX_WAITING } from "../src/engine/queue.ts";
import { placeRows } from "../src/engine/rows.ts";
import { OutOfMemoryError, QueueFullError } from "../src/support/errors.ts";
import { NO_EOS, generate, promptOf, request, settle, setup, type Setup } from "./fakes/generations.ts";
import { reference } from "./fakes/runner.ts";

const WIDE = { contextLength: 256, prefillChunk: 16, pages: 64, maxPages: 1024, rows: 8 };

test("rows whose tokens only the GPU knows keep their places, others fill the gaps, and steps close up as soon as that makes them smaller", () => {
  const place = (rows: string, before: (string | null)[], onGpu: string): unknown =>
    placeRows([...rows], before, (row) => onGpu.includes(row), [1, 2, 4, 8]);
  assert.deepEqual(place("abc", [], ""), ["a", "b", "c", null]);
  assert.deepEqual(place("abc", ["a", "b", "c", null], "abc"), ["a", "b", "c", null]);
  assert.deepEqual(place("acd", ["a", "b", "c", "d"], "acd"), ["a", null, "c", "d"]);
  assert.deepEqual(place("acd", ["a", "b", "c", "d"], "ac"), ["a", "d", "c", null]);
  assert.deepEqual(place("bc", ["c"], "c"), ["c", "b"], "the first token of a prompt lies in row 0");
  assert.equal(place("ac", ["a", "b", "c", "d"], "ac"), undefined, "two rows are fewer than four");
  assert.equal(place("ab", ["a"], "ab"), undefined, "a token that lies in no row must be read first");
});

test("requests join and leave a running loop, and each answer is what it is alone", async () => {
  const it = setup(WIDE);
  const answers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(async (i) => {
    for (let pause = 0; pause < i % 4; pause++) await settle();
    const prompt = promptOf(3 + 7 * i, i);
    assert.deepEqual((await generate(it, request(prompt, { maxTokens: 10 + 5 * i }))).ids, reference(prompt, 10 + 5 * i, NO_EOS));
  });
  await Promise.all(answers);
  assert.ok(it.runner.calls.includes("decode 8"));
  assert.ok(it.runner.deepestPipeline >= 2, "steps of several rows are ahead of the CPU too");
});

test("while a long prompt joins, a step of the others comes between any two of its chunks", async () => {
  const it = setup({ ...WIDE, contextLength: 1024 });
  const others = [1, 2].map((seed) => generate(it, request(promptOf(4, seed), { maxTokens: 200 })));
  await settle();
  const prompt = promptOf(400, 9);
  it.runner.calls.length = 0;
  const joined = await generate(it, request(prompt, { maxTokens: 5 }));
  assert.deepEqual(joined.ids, reference(prompt, 5, NO_EOS));
  for (const [i, other] of (await Promise.all(others)).entries()) assert.deepEqual(other.ids, reference(promptOf(4, i + 1), 200, NO_EOS));
  const calls = it.runner.calls.filter((call) => !call.startsWith("prepare"));
  const last = calls.findLastIndex((call) => call.startsWith("prefill"));
  assert.ok(last > 20);
  for (let i = 0; i < last; i++) assert.ok(!(calls[i]?.startsWith("prefill") && calls[i + 1]?.startsWith("prefill")), calls.slice(0, last).join());
});

/** A GPU that does one thing after the other: a step in 8 ms, a chunk of a prompt as `chunkMs` says. */
function timedGpu(context: TestContext, chunkMs: (tokens: number) => number): { readonly it: Setup; readonly now: () => number } {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const it = setup({ ...WIDE, contextLength: 2048, prefillChunk: 512, maxPages: 4096 });
  let free: Promise<void> = Promise.resolve();
  const computing = (milliseconds: number): Promise<void> =>
    free = free.then(async () => { await new Promise((resolve) => { setTimeout(resolve, 0); }); now += milliseconds; });
  const prefill = it.runner.prefill.bind(it.runner);
  it.runner.prefill = async (tokens, ...more) => { await prefill(tokens, ...more); await computing(chunkMs(tokens.length)); };
  it.runner.delay = () => computing(8);
  return { it, now: () => now };
}

/** How long a prompt of 1,500 tokens takes beside a stream, and the stream's longest pause. */
async function joined({ it, now }: ReturnType<typeof timedGpu>): Promise<{ took: number; pause: number }> {
  const times: number[] = [];
  const stream = generate(it, request(promptOf(4, 1), { maxTokens: 120 }), () => { times.push(now()); return false; });
  while (times.length < 5) await settle();
  const asked = now();
  await generate(it, request(promptOf(1500, 9), { maxTokens: 1 }));
  const took = now() - asked;
  assert.deepEqual((await stream).ids, reference(promptOf(4, 1), 120, NO_EOS));
  return { took, pause: Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? 0))) };
}

test("no stream pauses for a tenth of a second while a prompt joins, and a prompt that is alone comes in long chunks", async (context) => {
  const gpu = timedGpu(context, (tokens) => 0.25 * tokens);
  await generate(gpu.it, request(promptOf(1500, 7), { maxTokens: 1 }));
  assert.ok(gpu.it.runner.calls.includes("prefill 512"), "alone");
  const { took, pause } = await joined(gpu);
  assert.ok(took < 1500 * 0.25 + 40 * 8, `it took ${took} ms`);
  assert.ok(pause < 100, `pauses of ${pause} ms`);
});

test("where a few tokens take as long as many, a prompt that joins comes in as many as that, whatever came before", async (context) => {
  for (const isFirst of [true, false]) {
    const gpu = timedGpu(context, (tokens) => 50 * Math.ceil(tokens / 128));
    if (!isFirst) await generate(gpu.it, request(promptOf(1500, 7), { maxTokens: 1 }));
    const { took, pause } = await joined(gpu);
    assert.ok(took < 1.5 * 12 * (50 + 8), `it took ${took} ms`);
    assert.ok(pause < 100, `pauses of ${pause} ms`);
    context.mock.restoreAll();
  }
});

test("a short prompt does not wait for the end of a long one, nor a long one for ever", async () => {
  const it = setup({ ...WIDE, contextLength: 1024, maxPages: 4096 });
  const order: string[] = [];
  const ask = async (name: string, length: number): Promise<void> => {
    await generate(it, request(promptOf(length, length), { maxTokens: 1 }));
    order.push(name);
  };
  const long = ask("long", 800);
  const short = ask("short", 40);
  await short;
  const more = Array.from({ length: 60 }, (_, i) => ask("more", 30 + i));
  await Promise.all([long, ...more]);
  assert.deepEqual([order[0], order.indexOf("long") < order.length - 5], ["short", true]);
});

test("kernels for more rows compile while steps of fewer go on; where that fails, fewer run, and all are answered", async () => {
  for (const isFailing of [false, true]) {
    const it = setup(WIDE);
    let compiled = (): void => undefined;
    it.runner.compiling = () => new Promise((resolve, reject) => { compiled = isFailing ? () => reject(new Error("no such kernel")) : resolve; });
    const tokens = [0, 0, 0];
    const answers = tokens.map((_, i) => generate(it, request(promptOf(5, i), { maxTokens: 60 }), () => { tokens[i] = (tokens[i] ?? 0) + 1; return false; }));
    while (Math.max(...tokens) < 20) await settle();
    assert.ok(Math.max(...tokens) - Math.min(...tokens) <= 2, `all go on: ${tokens.join()}`);
    assert.ok(it.runner.calls.every((call) => !/decode \d/.test(call)));
    compiled();
    for (const [i, answer] of (await Promise.all(answers)).entries()) assert.deepEqual(answer.ids, reference(promptOf(5, i), 60, NO_EOS));
    assert.equal(it.runner.calls.includes("decode 4"), !isFailing);
    assert.deepEqual(it.runner.calls.filter((call) => call.startsWith("prepare")).slice(0, 1), ["prepare 4"]);
  }
});

test("the queue is bounded, and says by how much; who left makes room", async () => {
  const it = setup(WIDE);
  const stops: (() => void)[] = [];
  const add = (): void => { stops.push(it.scheduler.add(request(promptOf(4, 1)), { begin: () => undefined, token: () => false, end: () => undefined, fail: () => undefined })); };
  for (let i = 0; i < MAX_WAITING; i++) add();
  assert.throws(add, (error) => error instanceof QueueFullError && error.details["waiting"] === MAX_WAITING && error.message.includes(String(MAX_WAITING)));
  stops[7]?.();
  add();
  it.scheduler.interrupt();
  await settle();
  assert.deepEqual((await generate(it, request(promptOf(4, 1), { maxTokens: 3 }))).ids, reference(promptOf(4, 1), 3, NO_EOS));
});

test("the page's own question goes first, and does not keep others waiting for ever", async () => {
  const it = setup({ ...WIDE, rows: 1 });
  const order: string[] = [];
  const ask = async (name: string, priority?: number): Promise<void> => {
    await generate(it, request(promptOf(4, 1), { maxTokens: 2, priority }));
    order.push(name);
  };
  await Promise.all([ask("first"), ask("a"), ask("b", 0), ...Array.from({ length: 8 }, (_, i) => ask(`page ${i}`, 1))]);
  assert.deepEqual([order.slice(0, 3), order[3], order[7]], [["page 0", "page 1", "page 2"], "first", "a"]);
});

test("an interruption ends what runs and what waits, a stop its own request", async () => {
  const it = setup({ ...WIDE, rows: 2 });
  const answers = [1, 2, 3, 4].map((seed) => generate(it, request(promptOf(6, seed)), (count, stop) => {
    if (seed === 1 && count === 3) stop();
    if (seed === 2 && count === 20) it.scheduler.interrupt();
    return false;
  }));
  const ended = await Promise.all(answers);
  assert.deepEqual(ended.map(({ finish }) => finish), ["abort", "abort", "abort", "abort"]);
  assert.deepEqual([ended[0]?.ids.length, ended[1]?.ids.length, ended[3]?.ids.length], [3, 20, 0]);
});

test("what one request's listener throws fails that request alone", async () => {
  const it = setup(WIDE);
  const answers = [1, 2, 3].map((seed) => generate(it, request(promptOf(6, seed), { maxTokens: 20 }), (count) => {
    if (seed === 2 && count === 5) throw new Error("a parser's");
    return false;
  }));
  const [first, second, third] = await Promise.allSettled(answers);
  assert.match(String(second?.status === "rejected" && second.reason), /a parser's/);
  for (const [seed, answer] of [[1, first], [3, third]] as const) {
    assert.deepEqual(answer?.status === "fulfilled" && answer.value.ids, reference(promptOf(6, seed), 20, NO_EOS));
  }
});

test("where memory is short, whoever came last waits and goes on where it was; alone it fails", async () => {
  const it = setup({ ...WIDE, pages: 8, maxPages: 24 }); // room for 96 tokens
  const prompts = [promptOf(20, 1), promptOf(24, 2), promptOf(16, 3)];
  const answers = await Promise.all(prompts.map((prompt) => generate(it, request(prompt, { maxTokens: 40 }))));
  assert.deepEqual(answers.map(({ ids }) => ids), prompts.map((prompt) => reference(prompt, 40, NO_EOS)));
  assert.deepEqual(answers.map(({ cached }) => cached), [0, 0, 0]);
  await assert.rejects(generate(it, request(promptOf(100, 1))), OutOfMemoryError);
});

test("requests with one beginning compute it once, also those that come at once", async () => {
  const it = setup({ ...WIDE, contextLength: 512, maxPages: 4096 });
  const system = promptOf(160, 4);
  const prompts = Array.from({ length: 8 }, (_, i) => [...system, ...promptOf(10, 20 + i)]);
  const answers = await Promise.all(prompts.map((prompt) => generate(it, request(prompt, { maxTokens: 12 }))));
  assert.deepEqual(answers.map(({ ids }) => ids), prompts.map((prompt) => reference(prompt, 12, NO_EOS)));
  const computed = it.runner.calls.reduce((sum, call) => sum + Number(/^prefill (\d+)/.exec(call)?.[1] ?? 0), 0);
  assert.ok(computed <= system.length + 8 * 10, `${computed} tokens`);
});

test("equal prompts at once are computed once, and each is an answer of its own", async () => {
  const it = setup(WIDE);
  const prompt = promptOf(50, 4);
  const answers = await Promise.all([1, 2, 3, 4].map(() => generate(it, request(prompt, { maxTokens: 12 }))));
  for (const { ids } of answers) assert.deepEqual(ids, reference(prompt, 12, NO_EOS));
  assert.equal(it.runner.calls.reduce((sum, call) => sum + Number(/^prefill (\d+)/.exec(call)?.[1] ?? 0), 0), prompt.length);
  assert.deepEqual(answers.map(({ cached }) => cached).sort((a, b) => a - b).slice(-3), [49, 49, 49]);
});

test("A, A, B, A: all but the last token is known, whatever was asked between", async () => {
  const it = setup(WIDE);
  const [a, b] = [promptOf(60, 1), promptOf(50, 2)];
  const cached: number[] = [];
  for (const prompt of [a, a, b, a]) {
    const answer = await generate(it, request(prompt, { maxTokens: 9 }));
    assert.deepEqual(answer.ids, reference(prompt, 9, NO_EOS));
    cached.push(answer.cached);
  }
  assert.deepEqual(cached, [0, 59, 0, 59]);
});

test("a title in the middle of a chat, an edited message and another choice cost the chat nothing", async () => {
  const it = setup(WIDE);
  const chat = promptOf(60, 1);
  const answer = (await generate(it, request(chat, { maxTokens: 9 }))).ids;
  const known = chat.length + answer.length - 1;
  assert.equal((await generate(it, request([...chat.slice(0, 40), 90, 91, 92], { maxTokens: 5 }))).cached, 40, "a title");
  assert.equal((await generate(it, request(chat.with(20, 96), { maxTokens: 5 }))).cached, 20, "an edit");
  const next = [...chat, ...answer, 5, 6];
  const followUp = await generate(it, request(next, { maxTokens: 5 }));
  assert.deepEqual([followUp.ids, followUp.cached], [reference(next, 5, NO_EOS), known]);
});
