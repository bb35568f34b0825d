// Answers under a constraint: which tokens come, which are jumped over, and that others are not held up or changed by it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeConstraint } from "./fakes/constraint.ts";
import { Sampler } from "../src/engine/sampler.ts";
import { STEP_WORD } from "../src/executor/abi.generated.ts";
import { NO_EOS, generate, promptOf, request, settle, setup, type Setup } from "./fakes/generations.ts";
import { nextToken, reference } from "./fakes/runner.ts";
import { runInVirtualTime } from "./fakes/virtual_gpu.ts";

const END = 96;
const WIDE = { contextLength: 256, prefillChunk: 16, pages: 64, maxPages: 1024, rows: 8 };

/** What the fake runner answers: of the tokens that may come the one that is least far behind the next. */
function constrained(prompt: readonly number[], { choices, end }: FakeConstraint): number[] {
  const tokens = [...prompt];
  for (const choice of [...choices, [end]]) {
    const next = nextToken(tokens);
    const distance = (token: number): number => (token - next + 97) % 97;
    tokens.push(choice === null ? next : choice.reduce((best, token) => (distance(token) < distance(best) ? token : best)));
  }
  return tokens.slice(prompt.length);
}

test("an answer has only tokens that may come, ends where the constraint ends, and is disposed of once", async () => {
  const constraint = new FakeConstraint([[3, 4], null, [5, 50, 95], [7, 8]], END);
  const it = setup();
  const { ids, finish } = await generate(it, request(promptOf(9, 1), { constraint }));
  assert.deepEqual([ids, finish], [constrained(promptOf(9, 1), constraint), "stop"]);
  assert.equal(ids.length, 5);
  assert.equal(constraint.isDisposed, true);
});

test("steps go ahead while what may come stays the same, and a token that was drawn under another mask than its own is drawn again", async (context) => {
  const [same, other] = [[3, 4, 70], [5, 6, 71]];
  const choices = [same, ...Array.from({ length: 20 }, () => same), other, other, same, null, null, other];
  const constraint = new FakeConstraint(choices, END);
  const it = setup(WIDE);
  runInVirtualTime(context, it, { steps: { 1: 1 }, latency: 1 });
  const words = new Map<number, number | undefined>();
  const decode = it.runner.decode.bind(it.runner);
  it.runner.decode = async (rows, carried) => {
    for (const row of rows) if (row !== null) words.set(row.position, row.sampling[STEP_WORD]);
    return decode(rows, carried);
  };
  const sampler = new Sampler({ temperature: 0.7, seed: 1 }, []);
  const { ids } = await generate(it, request(promptOf(9, 1), { constraint, sampler }));
  assert.deepEqual(ids, constrained(promptOf(9, 1), constraint));
  assert.ok(it.runner.deepestPipeline >= 4, "several steps at a time");
  assert.ok(it.runner.calls.length > ids.length, "some were for nothing");
  assert.equal(constraint.masks, ids.length, "each mask is asked for once");
  assert.deepEqual(Array.from(ids.slice(1), (_, i) => words.get(9 + i)), Array.from(ids.slice(1), (_, i) => i + 1), "and each token has the noise of its place");
  const again = await generate(it, request([...promptOf(9, 1), ...ids.slice(0, 24), 1], { maxTokens: 3 }));
  assert.deepEqual(again.ids, reference([...promptOf(9, 1), ...ids.slice(0, 24), 1], 3, NO_EOS), "what was for nothing is not in the cache");
});

test("penalties count a text that can be no other, too, where another answer has computed it already", async () => {
  const ask = async (it: Setup): Promise<readonly number[]> => {
    const choices = [[7, 8], ...[3, 4, 5, 3, 4, 5, 3, 4].map((token) => [token]), ...Array.from({ length: 8 }, () => [3, 4, 5, 6])];
    const sampler = new Sampler({ temperature: 0, frequencyPenalty: 1, presencePenalty: 1 }, promptOf(9, 1));
    return (await generate(it, request(promptOf(9, 1), { constraint: new FakeConstraint(choices, END), sampler }))).ids;
  };
  const it = setup(WIDE);
  const first = await ask(it);
  assert.deepEqual([await ask(it), await ask(it)], [first, first]);
});

test("where the GPU counts tokens for penalties, a step waits for the token before it", async () => {
  const constraint = new FakeConstraint(Array.from({ length: 9 }, () => [3, 4, 70]), END);
  const it = setup(WIDE);
  await generate(it, request(promptOf(9, 1), { constraint, sampler: new Sampler({ temperature: 0, frequencyPenalty: 0.5 }, []) }));
  assert.equal(it.runner.deepestPipeline, 1);
});

test("tokens that can be no others are not sampled: one call brings them in, and samples the token behind them", async () => {
  const constraint = new FakeConstraint([[1, 2], [10], [11], [12], [13, 14], [20], [21], [22], [23], [24], [25], [26], [27], [28], [29], [1, 2]], END);
  const it = setup(WIDE);
  const steps = new Map<number, number | undefined>(); // of the noise, by the place of the token that is drawn
  const { runner } = it;
  const [decode, prefill] = [runner.decode.bind(runner), runner.prefillAndSample.bind(runner)];
  runner.decode = async (rows, carried) => {
    for (const row of rows) if (row !== null) steps.set(row.position + 1, row.sampling[STEP_WORD]);
    return decode(rows, carried);
  };
  runner.prefillAndSample = async (tokens, position, cache, draw) => {
    steps.set(position + tokens.length, draw.sampling[STEP_WORD]);
    return prefill(tokens, position, cache, draw);
  };
  const sampler = new Sampler({ temperature: 0.7, seed: 1 }, []);
  const { ids } = await generate(it, request(promptOf(3, 1), { constraint, sampler }));
  assert.deepEqual(ids, constrained(promptOf(3, 1), constraint));
  for (const place of [0, 4, 15]) assert.equal(steps.get(3 + place), place, "those that are drawn have the noise of their places");
  assert.deepEqual(it.runner.calls.filter((call) => !call.startsWith("prepare")), ["prefill 3", "decode", "decode 4", "decode", "prefill 11", "decode", "decode", "decode"], "a few as rows, many as a chunk, and one step ahead of each");
  const again = await generate(it, request([...promptOf(3, 1), ...ids.slice(0, 12), 1], { maxTokens: 3 }));
  assert.deepEqual([again.ids, again.cached], [reference([...promptOf(3, 1), ...ids.slice(0, 12), 1], 3, NO_EOS), 15], "the cache holds them");
});

test("a step goes ahead of the token behind a jump by rows only with that token", async () => {
  const wide = Array.from({ length: 30 }, (_, i) => 3 * i);
  const constraint = new FakeConstraint([[1, 2], [10], [11], [12], ...Array.from({ length: 20 }, () => wide)], END);
  const it = setup(WIDE);
  const { ids } = await generate(it, request(promptOf(3, 1), { constraint }));
  assert.deepEqual(ids, constrained(promptOf(3, 1), constraint));
});

test("the limit, an end token and a listener end an answer in the middle of tokens that are jumped over", async () => {
  const choices = [[1, 2], [10], [11], [12], [13], [14]];
  const run = async (overrides: object, stopAt = Infinity): Promise<unknown[]> => {
    const constraint = new FakeConstraint(choices, END);
    const { ids, finish } = await generate(setup(), request(promptOf(3, 1), { constraint, ...overrides }), (count) => count === stopAt);
    return [ids.length, finish, constraint.isDisposed];
  };
  assert.deepEqual(await run({ maxTokens: 3 }), [3, "length", true]);
  assert.deepEqual(await run({ eosTokenIds: new Set([11]) }), [3, "stop", true]);
  assert.deepEqual(await run({}, 4), [4, "stop", true]);
  assert.deepEqual(await run({}), [7, "stop", true]);
});

test("an answer that is stopped, fails or never has its turn disposes of its constraint, and asks it nothing afterwards", async () => {
  for (const end of ["stop", "fail", "close"] as const) {
    const it = setup();
    const constraints = [0, 1].map(() => new FakeConstraint(Array.from({ length: 20 }, () => [1, 2]), END));
    const [first, second] = constraints.map((constraint) => generate(it, request(promptOf(3, 1), { constraint }), (count, stop) => {
      if (end === "stop" && count === 3) stop();
      if (end === "fail" && count === 3) it.runner.delay = () => Promise.reject(new Error("lost"));
      if (end === "close" && count === 3) it.scheduler.close(new Error("closed"));
      return false;
    }).catch(() => null));
    await Promise.all([first, second]);
    await settle();
    assert.deepEqual(constraints.map(({ isDisposed }) => isDisposed), [true, true], end);
  }
});

test("others that run beside an answer under a constraint get their own tokens, and it gets those that it gets alone", async () => {
  const it = setup(WIDE);
  const constraint = new FakeConstraint(Array.from({ length: 30 }, (_, i) => (i % 5 === 0 ? [3, 4, 70] : i % 5 === 1 ? null : [i])), END);
  const [ids, ...others] = await Promise.all([
    generate(it, request(promptOf(5, 1), { constraint })),
    ...[2, 3, 4].map((seed) => generate(it, request(promptOf(5 * seed, seed), { maxTokens: 40 }))),
  ]);
  assert.deepEqual(ids.ids, constrained(promptOf(5, 1), constraint));
  others.forEach((other, i) => assert.deepEqual(other.ids, reference(promptOf(5 * (i + 2), i + 2), 40, NO_EOS)));
});
