import assert from "node:assert/strict";
import { test } from "node:test";
import { findFastest, type Comparison } from "../src/executor/fastest.ts";

/** Numbers in [0, 1) that repeat for a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Gpu {
  /** True milliseconds of one repetition in each way. */
  readonly costs: readonly number[];
  readonly seed?: number;
  /** Every time is off by up to this share. */
  readonly jitter?: number;
  /** The share of measurements that something else disturbs: they take up to three times as long. */
  readonly disturbed?: number;
  /** Clocks rise: at first everything takes this many times longer, which fades within some 50 ms of work. */
  readonly ramp?: number;
  /** The clock's resolution. */
  readonly grain?: number;
}

/** A comparison on a simulated GPU, with the milliseconds that it took there. */
async function compare(gpu: Gpu, budget = Infinity): Promise<{ found: Comparison | undefined; took: number; counts: Set<number> }> {
  const { costs, seed = 1, jitter = 0, disturbed = 0, ramp = 0, grain = 0 } = gpu;
  const next = random(seed);
  let now = 0;
  const counts = new Set<number>();
  const measure = async (way: number, count: number): Promise<number> => {
    counts.add(count);
    let time = (costs[way] ?? NaN) * count * (1 + ramp * Math.exp(-now / 50)) * (1 + jitter * (2 * next() - 1));
    if (next() < disturbed) time *= 1 + 2 * next();
    const [begin, end] = [now, now + time].map((at) => (grain > 0 ? Math.floor(at / grain) * grain : at));
    now += time;
    return (end ?? NaN) - (begin ?? NaN);
  };
  const found = await findFastest(costs.length, measure, 5, () => budget - now);
  return { found, took: now, counts };
}

async function picks(gpu: Gpu, trials = 200): Promise<number[]> {
  const found = await Promise.all(Array.from({ length: trials }, (_, seed) => compare({ ...gpu, seed })));
  return [...new Set(found.map((one) => one.found?.fastest ?? -1))].sort();
}

const NOISE = { jitter: 0.02, disturbed: 0.05, grain: 0.1 };

test("the fastest is found whatever its place, and its time told", async () => {
  for (const [fastest, costs] of [[0.01, 0.02, 0.03], [0.02, 0.01, 0.03], [0.03, 0.02, 0.01]].entries()) {
    const { found } = await compare({ costs });
    assert.equal(found?.fastest, fastest);
    found.times.forEach((time, way) => assert.ok(Math.abs(time - (costs[way] ?? 0)) < 1e-9));
  }
});

test("a clear winner wins every time, on a noisy GPU with rising clocks and a coarse timer", async () => {
  assert.deepEqual(await picks({ costs: [0.012, 0.01, 0.014], ...NOISE }), [1]);
  assert.deepEqual(await picks({ costs: [0.012, 0.014, 0.01], ...NOISE, ramp: 0.5 }), [2]);
});

test("the usual way stays where another is no clear gain", async () => {
  assert.deepEqual(await picks({ costs: [0.01, 0.01, 0.01], ...NOISE }), [0]);
  assert.deepEqual(await picks({ costs: [0.01, 0.0098], ...NOISE }), [0]);
  assert.deepEqual(await picks({ costs: [0.01, 0.01], ramp: 3 }), [0]);
});

test("of two that are about as fast, the same is found every time", async () => {
  assert.deepEqual(await picks({ costs: [0.02, 0.01, 0.01], ...NOISE }), [1]);
});

test("work is repeated until it is long enough for the timer, and not where once is enough", async () => {
  assert.ok(Math.max(...(await compare({ costs: [0.01, 0.01] })).counts) > 5 / 3 / 0.01);
  assert.ok(Math.max(...(await compare({ costs: [0.00001, 0.00001] })).counts) <= 4096);
  assert.deepEqual([...(await compare({ costs: [50, 60] })).counts], [1]);
});

test("a comparison that would take too long is not begun, and one that is under way ends early", async () => {
  const hopeless = await compare({ costs: [100, 50] }, 500);
  assert.deepEqual([hopeless.found, hopeless.took], [undefined, 300]);
  const tooLate = await compare({ costs: [100, 50] }, 300 + 450); // for one round and a half
  assert.deepEqual([tooLate.found, tooLate.took], [undefined, 300]);
  const hurried = await compare({ costs: [100, 50] }, 1100);
  assert.deepEqual([hurried.found?.fastest, hurried.took], [1, 300 + 3 * 300]);
});

test("a clock that is set back, stands still, jumps or is no clock ends a comparison soon", async () => {
  const clocks: Readonly<Record<string, (run: number) => number>> = {
    negative: () => -1, still: () => 0, none: () => NaN, huge: () => 1e15, infinite: () => Infinity,
    "negative at first": (run) => (run < 4 ? -5 : 0), "tiny and then negative": (run) => (run % 2 === 0 ? 1e-9 : -1),
    "set back now and then": (run) => (run % 3 === 0 ? -1e9 : 1), shrinking: (run) => 1 / (run + 1),
  };
  for (const [name, clock] of Object.entries(clocks)) {
    let runs = 0;
    let now = 0;
    await findFastest(8, async () => { now += 1; return clock(runs++); }, 5, () => 500 - now);
    assert.ok(runs <= 500 + 2 * 8 * 2, `${name}: ${runs} runs`);
  }
});

test("a budget that is spent in the middle ends a comparison within the run of a way", async () => {
  let now = 0;
  assert.equal(await findFastest(8, async () => { now += 300; return 300; }, 5, () => 500 - now), undefined);
  assert.ok(now <= 900, `${now} ms`);
});

/** What is run of two candidates, each as its number and its repetitions. `tell` gives the milliseconds of a run, which takes `real`. */
async function runs(tell: (way: number, count: number) => number, real = 1, budget = Infinity): Promise<string[]> {
  const log: string[] = [];
  let now = 0;
  const measure = async (way: number, count: number): Promise<number> => {
    log.push(`${way} x ${count}`);
    now += real;
    return tell(way, count);
  };
  await findFastest(2, measure, 5, () => budget - now);
  return log;
}

test("where no time is left nothing is run, and a search for repetitions is given up when its time is over", async () => {
  assert.deepEqual(await runs(() => 1, 1, 0), []);
  assert.deepEqual(await runs((_, count) => count / 1000, 100, 150), ["0 x 1", "0 x 1"]);
});

test("after a time that is none nothing more is run, of no candidate", async () => {
  for (const time of [-1, NaN]) {
    assert.deepEqual(await runs(() => time), ["0 x 1", "0 x 1"]);
    assert.deepEqual(await runs((way) => (way === 0 ? time : 3)), ["0 x 1", "0 x 1"]);
  }
});

test("each try repeats at most 16 times as often as the one before", async () => {
  assert.deepEqual((await runs((_, count) => count / 10_000)).slice(0, 5), [1, 1, 16, 256, 4096].map((count) => `0 x ${count}`));
});

test("times that are no times decide nothing", async () => {
  for (const cost of [0, -1, NaN]) assert.equal((await compare({ costs: [cost, 1] })).found, undefined);
  assert.equal((await compare({ costs: [1, 0] })).found, undefined);
});
