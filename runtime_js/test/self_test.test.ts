import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { VariantError } from "../src/executor/device.ts";
import { selfTest } from "../src/executor/self_test.ts";
import { fails } from "./fakes/expect.ts";

const HIDDEN = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i) * (1 + i % 7));
const LOGITS = Float32Array.from({ length: 160 }, (_, i) => Math.cos(i) * 5);
const PROBE = { tokens: [40, 41, 42], values: Array.from({ length: 64 }, (_, i) => HIDDEN[Math.floor(i * 96 / 64)] ?? NaN), logits: Array.from({ length: 40 }, (_, i) => LOGITS[4 * i] ?? NaN) };

type Step = "prefill" | "decode" | "head";
type Change = (value: number, i: number) => number;

/** What is asked of a GPU that gets a step's numbers wrong by `change`. */
async function check(step: Step, change: Change, slots = 0): Promise<string[]> {
  const asked: string[] = [];
  await selfTest({
    shape: { contextLength: 64, pageSize: 16, prefillChunk: 32, shortestChunk: 1, rowCounts: [1], slots, groups: [], pooledFloats: 0 },
    firstLayer: async (name, tokens, position, times) => {
      if (times === undefined) asked.push(`${name} ${tokens.join()} at ${position}`);
      return name === step ? HIDDEN.map(change) : HIDDEN;
    },
    head: async (hidden) => {
      assert.deepEqual([hidden.length, ...hidden.subarray(0, 5)], [96, -1, -0.46875, 0.0625, 0.59375, -0.875]);
      return step === "head" ? LOGITS.map((value, i) => (i % 4 === 0 ? change(value, i / 4) : value)) : LOGITS;
    },
    learnPace: () => undefined,
  }, PROBE);
  return asked;
}

test("right numbers pass: a prefill of all tokens, and a decode step of the last; a state behind the others is computed for it", async () => {
  const [right, all, last]: [Change, string, string] = [(value) => value, "prefill 40,41,42 at 0", "decode 42 at 2"];
  assert.deepEqual(await check("prefill", right), [all, last]);
  assert.deepEqual(await check("prefill", right, 8), [all, "prefill 40,41 at 0", last]);
});

test("what roundings do to the numbers passes", async () => {
  for (const step of ["prefill", "decode", "head"] as const) await check(step, (value, i) => value * (1 + 0.04 * Math.cos(3 * i)) + 0.01);
});

test("wrong numbers of a step or of the head are the variant's fault", async () => {
  const wrongs: Readonly<Record<string, Change>> = {
    "not a number": (value, i) => (i === 0 ? NaN : value), infinite: (value, i) => (i === 3 ? Infinity : value), zero: () => 0,
    doubled: (value) => 2 * value, "of the wrong sign": (value) => -value, shuffled: (_, i) => HIDDEN[(i * 31) % 96] ?? 0,
    "wrong in every fourth": (value, i) => (i % 4 === 0 ? 0 : value), "too large by a fifth": (value) => 1.2 * value,
  };
  for (const [name, change] of Object.entries(wrongs)) {
    await assert.rejects(check("prefill", change), fails(VariantError, /wrong numbers \(prefill/), name);
    await assert.rejects(check("decode", change), fails(VariantError, /wrong numbers \(decode/), name);
    await assert.rejects(check("head", change), fails(VariantError, /wrong numbers \(head/), name);
  }
});

/** What is learnt of a machine whose calls take so long beside so much for each layer of the probe, the n-th one `late`. */
async function paceOf(context: TestContext, call: number, layer: number, late: readonly number[] = []): Promise<number> {
  let [now, calls, pace] = [0, 0, NaN];
  context.mock.method(performance, "now", () => now);
  await selfTest({
    shape: { contextLength: 64, pageSize: 16, prefillChunk: 32, shortestChunk: 1, rowCounts: [1], slots: 0, groups: [], pooledFloats: 0 },
    firstLayer: async (_name, _tokens, _position, times = 1) => {
      now += call + layer * times + (late[calls++] ?? 0);
      return HIDDEN;
    },
    head: async () => LOGITS,
    learnPace: (milliseconds) => { pace = milliseconds; },
  }, PROBE);
  return pace * PROBE.tokens.length;
}

test("a layer's time is told apart from what a call takes, and never as nothing", async (context) => {
  assert.ok(Math.abs(await paceOf(context, 3, 0.2) - 0.2) < 1e-9);
  assert.equal(await paceOf(context, 3, 40), 43, "no second time for who is slow");
  assert.ok(await paceOf(context, 3, 0) > 0.1);
  assert.ok(await paceOf(context, 1, 1, [0, 0, 6, 0]) >= 0.3, "a call that had to wait");
});
