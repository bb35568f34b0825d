import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, judgeFailure } from "../src/app/verdict.ts";
import EN from "../src/app/words/en.ts";
import { say } from "../src/app/words/words.ts";
import { fasterFirst, paceOf, type Preflight } from "../src/engine/preflight.ts";
import type { Backend, InspectableRunner } from "../src/executor/backend.ts";
import { placesInTurn, tryMemory } from "../src/executor/rehearsal.ts";
import type { Row } from "../src/executor/runner.ts";
import type { SiteModel } from "../src/page/config.ts";
import { OutOfMemoryError, ProtocolError, WebGPUNotAvailableError } from "../src/support/errors.ts";
import { shapeOf, SHAPE } from "./fakes/generations.ts";
import { FakeGpu } from "./fakes/gpu.ts";

say(EN, "en", "en");

test("things that share room lie behind each other, and then at the beginning again", () => {
  assert.deepEqual(placesInTurn([10, 10, 10, 10], 40, 16), { places: [0, 16, 0, 16], end: 32 });
  assert.deepEqual(placesInTurn([10, 100, 10], 40, 16), { places: [0, 0, 0], end: 112 }, "the largest has all of it");
  assert.deepEqual(placesInTurn([16, 16], Infinity, 16, 8), { places: [0, 32], end: 64 });
});

/** A machine whose clock is what its steps take; `step` milliseconds each. */
function machine(step: number | (() => number), needsTokens = false): { readonly runner: InspectableRunner; readonly rows: (Row | null)[]; readonly left: (budget: number) => () => number; mostOpen(): number } {
  let [now, open, most] = [0, 0, 0];
  const rows: (Row | null)[] = [];
  performance.now = () => now;
  const taken = (): number => (typeof step === "number" ? step : step());
  // The rest of a runner is not asked for.
  const runner: InspectableRunner = Object.assign(Object.create(null), {
    shape: { ...shapeOf({ ...SHAPE, needsTokens }) }, layersOfStep: 10,
    firstLayer: async () => { now += taken() / 10; return new Float32Array(1); },
    decode: async (given: readonly (Row | null)[]) => {
      rows.push(...given);
      most = Math.max(most, ++open);
      await Promise.resolve();
      now += taken();
      open--;
      return [{ token: 0 }];
    },
  } satisfies Partial<InspectableRunner>);
  return { runner, rows, left: (budget) => () => budget - now, mostOpen: () => most };
}

test("a pace is that of steps one behind the other", async () => {
  const real = performance.now;
  try {
    const fast = machine(2);
    assert.equal(Math.round(await paceOf(fast.runner, fast.left(1000)) ?? 0), 500);
    assert.ok(fast.mostOpen() > 1, "they are under way together, as an answer's are");
    assert.equal(fast.rows[0]?.token, 0);
    assert.ok(fast.rows.some((row) => row?.token === undefined), "what was drawn stays where it is");
    const rising = machine(() => (performance.now() < 450 ? 4 : 2));
    assert.equal(Math.round(await paceOf(rising.runner, rising.left(1800)) ?? 0), 500, "what is slow at first, as code that is still compiled, counts for nothing");
    const told = machine(2, true);
    await paceOf(told.runner, told.left(1000));
    assert.ok(told.mostOpen() === 1 && told.rows.every((row) => row?.token === 0));
    const slow = machine(5000);
    assert.equal(await paceOf(slow.runner, slow.left(1000)), 0.2, "by its first layer");
    assert.equal(slow.rows.length, 0, "no step is begun that would take longer than there is time");
    const still = machine(0);
    assert.equal(await paceOf(still.runner, still.left(1000)), undefined, "a clock that stands still tells nothing");
  } finally {
    performance.now = real;
  }
});

test("memory is asked for bit by bit, and given back", async () => {
  const gpu = new FakeGpu();
  assert.equal(await tryMemory(gpu.device, 600 << 20), 600 << 20);
  assert.deepEqual([gpu.log.created.length, gpu.buffers.length], [3, 0]);
  const full = new FakeGpu();
  full.capacity = 300 << 20;
  assert.equal(await tryMemory(full.device, 600 << 20), 256 << 20);
});

const note = (tokensPerSecond: number): string => JSON.stringify({ computer: { vendor: "", threads: 1, tokensPerSecond }, available: 1, total: 1 });
const backend = (device: "gpu" | "cpu", name: string): Backend => (
  { name, device, key: device, library: { file: "", bytes: 0, sha256: "" }, fit: () => Promise.reject(new Error("not asked")) });

test("a CPU that was found to be faster comes first", async () => {
  const [gpu, relaxed, plain] = [backend("gpu", "gpu"), backend("cpu", "relaxed"), backend("cpu", "plain")];
  const order = async (notes: Readonly<Record<string, string>>): Promise<string[]> => {
    const found = await fasterFirst([gpu, relaxed, plain], { note: async (name) => notes[name.split(" ")[1] ?? ""] ?? null });
    return found.map(({ name }) => name);
  };
  assert.deepEqual(await order({}), ["gpu", "relaxed", "plain"]);
  assert.deepEqual(await order({ gpu: note(20), cpu: note(10) }), ["gpu", "relaxed", "plain"]);
  assert.deepEqual(await order({ gpu: note(10), cpu: note(20) }), ["relaxed", "plain", "gpu"]);
  assert.deepEqual(await order({ gpu: note(10), cpu: "{}" }), ["gpu", "relaxed", "plain"], "what cannot be read says nothing");
});

const MODEL: SiteModel = {
  id: "m", name: "M", parameters: 1e9, license: undefined, quantization: "q4", contextLength: 8192, sampling: {}, traits: [], thinking: [], downloadBytes: 1e9, memoryBytes: 2e9,
  runsOnCpu: true, sees: false, hears: 0, manifest: "https://a.example/m.json", manifestSha256: "0",
};
const found = (tokensPerSecond: number | undefined, available = 2000): Preflight => ({
  computer: { device: "gpu", vendor: "", threads: 1, tokensPerSecond }, available,
  memory: { weights: 1000, cache: 800, workspace: 200, total: 2000, contextLength: 4096 },
});

test("a verdict says how fast, what is lacking, and what would do better", () => {
  const small = { ...MODEL, id: "s", name: "S", downloadBytes: 2e8, memoryBytes: 900 };
  const smaller = { ...MODEL, id: "t", name: "T", downloadBytes: 1e8, memoryBytes: 500 };
  const all = [MODEL, small, smaller];
  assert.deepEqual(judge(found(40.4), MODEL, all, false),
    { text: "About 40 tokens a second on this device’s GPU.", short: "about 40 tokens a second", contextLength: undefined, better: undefined });
  assert.equal(judge(found(3), MODEL, all, false).better, small, "the first that is fast enough");
  assert.equal(judge(found(0.7), MODEL, all, false).better, smaller);
  assert.equal(judge(found(0.001), MODEL, all, false).better, smaller, "else the smallest");
  assert.equal(judge(found(3), smaller, all, false).better, undefined);
  assert.equal(judge(found(40, 1700), MODEL, all, false).contextLength, 2048);
  assert.equal(judge(found(40, 1250), MODEL, all, false).contextLength, undefined, "the shortest context does not fit");
  assert.equal(judge(found(undefined, 600), MODEL, all, false).better, smaller, "the first for which there is memory");
  assert.match(judge(found(undefined, 600), MODEL, [MODEL], false).text, /^This device offers only 600\sbytes of the 2\skB/);
  assert.match(judge(found(3), MODEL, [MODEL], true).text, /slower than most people read\. .*enable-unsafe-webgpu/);
});

test("what no start could mend is said before it", () => {
  assert.match(judgeFailure(new WebGPUNotAvailableError("none"))?.text ?? "", /WebGPU/);
  assert.match(judgeFailure(new OutOfMemoryError("none"))?.text ?? "", /memory/);
  assert.equal(judgeFailure(new ProtocolError("odd")), undefined);
});
