import assert from "node:assert/strict";
import { test } from "node:test";
import { measureLoads } from "../src/bench/load.ts";
import { MemoryWatch } from "../src/bench/memory.ts";
import { parseOptions } from "../src/bench/options.ts";
import { makePrompt } from "../src/bench/prompt.ts";
import { intervals, median, percentile } from "../src/bench/statistics.ts";
import { asText } from "../src/bench/tables.ts";
import { WorkModel } from "../src/bench/work.ts";
import { spreadChoices } from "../src/executor/choices.ts";
import { parsePlan, type KernelPlan, type Plan } from "../src/executor/plan.ts";
import type { ChatMessage, Conversation } from "../src/tokenizer/conversation.ts";
import type { InitProgressCallback } from "../src/api/types.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { FAKE_WGSL, fakePlan } from "./fakes/plan.ts";

test("options come from the address, the rest are defaults", () => {
  assert.deepEqual(parseOptions(""), { model: undefined, promptTokens: 512, outputTokens: 256, runs: 5, contexts: [], kernels: false, variant: undefined, calibrate: "auto" });
  assert.deepEqual(parseOptions("?prompt-tokens=7&output-tokens=2&runs=0&context=4096,32768&kernels=1&variant=f16-sg&calibrate=off&model=a-q4"),
    { model: "a-q4", promptTokens: 7, outputTokens: 2, runs: 0, contexts: [4096, 32768], kernels: true, variant: "f16-sg", calibrate: "off" });
});

for (const [query, message] of [
  ["tokens=3", /no option tokens; there are prompt-tokens,/],
  ["runs=-1", /runs must be an integer from 0 to 1000, not "-1"/],
  ["output-tokens=1", /output-tokens must be an integer from 2/],
  ["prompt-tokens=1e3", /prompt-tokens/],
  ["context=512,x", /context must be an integer/],
  [`context=${"1,".repeat(17)}`, /at most 16 lengths/],
  ["kernels=yes", /kernels must be an integer from 0 to 1/],
  ["calibrate=no", /calibrate must be auto or off, not "no"/],
  ["runs=0", /nothing to measure without kernels=1/],
] as const) {
  test(`refused in an address: ${query.slice(0, 20)}`, () => assert.throws(() => parseOptions(query), { name: "RangeError", message }));
}

test("percentiles are samples, by nearest rank; a median may lie between two", () => {
  const samples = [15, 20, 35, 40, 50]; // the example of https://en.wikipedia.org/wiki/Percentile
  assert.deepEqual([0.05, 0.3, 0.4, 0.5, 1].map((share) => percentile(samples, share)), [15, 20, 20, 35, 50]);
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])], [2, 2.5, 7]);
  assert.deepEqual(intervals([1, 3, 7]), [2, 4]);
  assert.throws(() => percentile([], 0.5), RangeError);
});

test("a prompt has the fewest words that reach its length", () => {
  const tokenizer = { // three tokens of template, then one for each four characters
    render: ({ messages }: Conversation): string => `[u]${String(messages[0]?.content)}`,
    encode: (prompt: string): number[] => Array.from({ length: 3 + Math.ceil((prompt.length - 3) / 4) }, (_, i) => i),
  };
  const length = (messages: readonly ChatMessage[]): number => tokenizer.encode(tokenizer.render({ messages })).length;
  for (const tokens of [10, 100, 512]) {
    const messages = makePrompt(tokenizer, tokens);
    const text = String(messages[0]?.content);
    assert.ok(length(messages) >= tokens);
    assert.ok(length([{ role: "user", content: text.slice(0, text.lastIndexOf(" ")) }]) < tokens);
  }
  assert.equal(makePrompt(tokenizer, 1)[0]?.content, "the", "a template that is longer than asked for");
});

test("the first load stands alone, those after it are medians", async () => {
  const ready = [9, 1, 5, 3];
  let unloads = 0;
  let onProgress: InitProgressCallback = () => undefined;
  const engine = {
    unload: async (): Promise<void> => { unloads++; },
    setInitProgressCallback: (callback: InitProgressCallback | undefined): void => { onProgress = callback ?? onProgress; },
    reload: async (): Promise<void> => {
      const timeElapsed = ready.shift() ?? assert.fail("too many loads");
      const part = { progress: 0, timeElapsed: 0, text: "", phase: "weights", bytesDone: 0, bytesTotal: 0 } as const;
      onProgress(part);
      const times = { manifest: 0.1, device: 0.2, tokenizer: 0.3, kernels: 0.4, weights: timeElapsed / 2 };
      onProgress({ ...part, phase: "ready", timeElapsed, times });
    },
  };
  const lines: string[] = [];
  const [first, again] = await measureLoads(engine, "m", async () => lines.length > 0, 3, (line) => lines.push(line));
  const parts = { manifest: 0.1, device: 0.2, tokenizer: 0.3, kernels: 0.4 };
  assert.deepEqual(first, { from: "network", loads: 1, ...parts, weights: 4.5, ready: 9 });
  assert.deepEqual(again, { from: "storage", loads: 3, ...parts, weights: 1.5, ready: 3 });
  assert.deepEqual([unloads, lines.length, ready.length], [4, 4, 0]);
});

test("buffers are counted by what they hold, until they or their device are destroyed", async () => {
  const gpus = [new FakeGpu(), new FakeGpu()];
  const waiting = gpus.map((gpu) => gpu.device);
  const prototype = { requestDevice: async (): Promise<GPUDevice> => waiting.shift() ?? assert.fail("no device left") };
  Object.assign(globalThis, { GPUAdapter: { prototype } });
  const memory = new MemoryWatch();
  memory.watch();
  const [first, second] = [await prototype.requestDevice(), await prototype.requestDevice()];
  const make = (device: GPUDevice, label: string, size: number): GPUBuffer => device.createBuffer({ label, size, usage: 0 });
  make(first, "weights 0", 900);
  make(first, "weights 12", 100);
  make(first, "state kv0", 100);
  const old = make(first, "state kv1", 100);
  make(first, "state kv1", 200);
  old.destroy();
  make(first, "kv table", 7);
  make(second, "weights 0", 5000);
  second.destroy();
  assert.deepEqual(memory.report(), { weights: 1000, kv: 300, rest: 7, peak: 6307 });
  assert.equal(gpus[0]?.log.commands.at(-1), "destroy state kv1", "the buffer itself was destroyed");
});

/** A plan of one layer with a q4 table of 64 x 64 and a q8 matrix of 32 x 64; heads: 2 of 4 numbers. */
function smallPlan(): Plan {
  const weights = [["table.q", 2048], ["table.s", 256], ["mlp.q", 2048], ["mlp.s", 128], ["norm.w", 256]];
  const raw = { ...fakePlan(), weights: weights.map(([name, bytes]) => ({ name, bytes })) };
  return parsePlan(raw, FAKE_WGSL); // its steps name other buffers now, but are not looked at
}

function kernel(...bindings: readonly ("read" | "read_write")[]): KernelPlan {
  const [any] = smallPlan().variants[0]?.kernels ?? [];
  assert.ok(any);
  return { ...any, bindings };
}

test("the work of a step follows from its buffers", () => {
  const plan = smallPlan();
  const [variant] = plan.variants;
  assert.ok(variant);
  const work = new WorkModel(plan, variant);
  const id = (name: string): number => {
    const names = [...plan.weights.map((weight) => weight.name), "kv", ...plan.io.map((io) => io.name), "workspace"];
    assert.ok(names.includes(name), name);
    return names.indexOf(name);
  };
  const of = (bound: Readonly<Record<string, "read" | "read_write">>, n: number, kvLength: number): unknown =>
    work.of(kernel(...Object.values(bound)), Object.keys(bound).map(id), n, kvLength);
  // Embeddings: rows of the new tokens only.
  assert.deepEqual(of({ workspace: "read_write", tokens: "read", "table.q": "read", "table.s": "read" }, 5, 9), { bytes: 2304 * 5 / 50, flops: 0 });
  // A matrix with its norm: all of it, and two operations for each number and row.
  assert.deepEqual(of({ "norm.w": "read", "mlp.q": "read", "mlp.s": "read", workspace: "read_write" }, 3, 9),
    { bytes: 2048 + 128 + 256, flops: 2 * 3 * 32 * 64 });
  // The output head: one row, whatever the prompt's length; 200 bytes of logits.
  assert.deepEqual(of({ "table.q": "read", "table.s": "read", logits: "read_write", workspace: "read" }, 3, 9),
    { bytes: 2304 + 200, flops: 2 * 64 * 64 });
  // The cache: 256 bytes a page of 4 tokens. Attention of queries that see 7, 8 and 9 keys, in two products of 2 heads of 4 numbers.
  const appending = { ...kernel("read_write", "read"), name: "rope_append1" };
  assert.deepEqual(work.of(appending, [id("kv"), id("workspace")], 3, 9), { bytes: 3 * 64, flops: 0 });
  assert.deepEqual(of({ kv: "read", workspace: "read_write" }, 3, 9), { bytes: 9 * 64, flops: 2 * 2 * 2 * 4 * (7 + 8 + 9) });
  assert.deepEqual(of({ kv: "read_write", workspace: "read_write" }, 1, 9), { bytes: 9 * 64, flops: 2 * 2 * 2 * 4 * 9 }); // and appends its own
  assert.deepEqual(of({ workspace: "read_write", rope0: "read" }, 3, 9), { bytes: 0, flops: 0 });
  // A patch sees all of its picture, also what comes behind it.
  const tower = new WorkModel({ ...plan, io: [...plan.io, { name: "patches", bytes: 64 }] }, variant);
  assert.deepEqual(tower.of(kernel("read", "read_write"), [id("kv"), id("workspace")], 9, 9), { bytes: 9 * 64, flops: 2 * 2 * 2 * 4 * 9 * 9 });
});

test("of a mixture's weights a step reads those of the chosen experts, and a prompt those of as many as its tokens choose evenly", () => {
  const weights = [["layers.0.experts_up.0.q", 4096], ["layers.0.experts_up.0.e", 256], ["layers.0.router.q", 64]];
  const raw = fakePlan();
  const model = { ...Object(raw["model"]), experts: { count: 16, chosen: 4 } };
  const plan = parsePlan({ ...raw, model, weights: weights.map(([name, bytes]) => ({ name, bytes })) }, FAKE_WGSL);
  const [variant] = plan.variants;
  assert.ok(variant);
  const work = new WorkModel(plan, variant);
  const all = 4096 + 256;
  assert.deepEqual(work.of(kernel("read", "read"), [0, 1], 1, 9), { bytes: all / 4, flops: 2 * 8192 / 4 });
  assert.deepEqual(work.of(kernel("read", "read"), [0, 1], 2, 9), { bytes: all * (1 - 0.75 ** 2), flops: 2 * 2 * 8192 / 4 });
  assert.deepEqual(work.of(kernel("read"), [2], 2, 9), { bytes: 64, flops: 2 * 2 * 32 });
});

test("where a kernel runs alone, experts are chosen that are far apart, each by as many tokens", () => {
  const words = spreadChoices({ experts: { count: 6, chosen: 2 }, prefillChunk: 12 });
  const tokens = Array.from({ length: 12 }, (_, token) => [...words.subarray(4 * token, 4 * token + 2)]);
  assert.deepEqual(tokens.slice(0, 4), [[0, 3], [1, 4], [2, 5], [3, 0]]);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((expert) => tokens.flat().filter((id) => id === expert).length), [4, 4, 4, 4, 4, 4]);
  assert.deepEqual([...new Float32Array(words.buffer).subarray(2, 4)], [0.5, 0.5]);
  assert.equal(spreadChoices({ experts: null, prefillChunk: 12 }).length, 0);
});

test("a table in text: names to the left, numbers to the right, an empty head left out", () => {
  assert.equal(asText({ title: "T", head: ["name", "µs"], rows: [["a", "1.00"], ["longer", "12"]] }), "T\n  name      µs\n  a       1.00\n  longer    12");
  assert.equal(asText({ title: "T", head: ["", ""], rows: [["a", "1"]] }), "T\n  a  1");
});
