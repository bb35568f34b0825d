/** What a row asks for beyond a draw by its sampling words, on a GPU that remembers what it is told. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Sampler } from "../src/engine/sampler.ts";
import type { SamplingConfig } from "../src/engine/sampling.ts";
import { BufferTable, allocateWeights } from "../src/executor/buffers.ts";
import { DeviceWatch } from "../src/executor/device.ts";
import { PlanExecutor } from "../src/executor/executor.ts";
import { compileKernels } from "../src/executor/pipelines.ts";
import { parsePlan } from "../src/executor/plan.ts";
import type { CacheView, Draw, Row } from "../src/executor/runner.ts";
import { OutOfMemoryError } from "../src/support/errors.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { FAKE_WGSL, fakeLaunch, fakePlan } from "./fakes/plan.ts";

const PLAN = parsePlan(fakePlan(), FAKE_WGSL);
const CACHE: CacheView = { tables: [Int32Array.of(0)], copies: new Int32Array() };
const OFF = { temperature: 0, topP: 1, seed: 0 };
const VOCABULARY = 50;

let gpu = new FakeGpu();
let executor: PlanExecutor;

beforeEach(async () => {
  gpu = new FakeGpu();
  const variant = PLAN.variants[1];
  assert.ok(variant);
  const watch = new DeviceWatch(gpu.device);
  const buffers = await BufferTable.create(gpu.device, PLAN, variant, [4], await allocateWeights(gpu.device, PLAN));
  const kernels = (await compileKernels(gpu.device, PLAN, variant, [[0], [0], [0]], () => undefined)).map(([only]) => only);
  const library = { plan: PLAN, launch: fakeLaunch };
  executor = new PlanExecutor({ device: gpu.device, watch, library, variant, buffers, kernels, usualTiles: [], contextLength: 128, isCpu: false });
});

function drawn(config: Partial<SamplingConfig>, prompt: readonly number[] = []): Draw {
  return new Sampler({ ...OFF, ...config }, prompt).next();
}

function row(draw: Draw, position = 3): Row {
  return { position, cache: CACHE, token: 1, ...draw };
}

/** What ran, and what was submitted or written to the buffers named. */
function commands(...written: string[]): string[] {
  return gpu.log.commands.flatMap((command) => {
    const kernel = /^(\w+)\(/.exec(command)?.[1];
    return kernel ?? (command.startsWith("submit") || written.some((name) => command === `write ${name}`) ? command : []);
  });
}

function words(label: string): Uint32Array {
  return new Uint32Array(gpu.named(label).bytes.buffer);
}

test("a plain draw makes no buffers, compiles nothing and runs nothing more", async () => {
  await executor.decode([row(drawn({ temperature: 0.7, topP: 0.9, topK: 5, minP: 0.1 }))]);
  assert.deepEqual(commands(), ["embed", "attend", "sample", "submit 1"]);
  for (const name of ["counts", "bias", "mask", "kept", "logprobs"]) assert.throws(() => gpu.named(name), /no buffer/);
  const floats = new Float32Array(gpu.named("sampling").bytes.buffer);
  assert.deepEqual([words("sampling")[5], floats[6], words("sampling")[10]], [5, Math.fround(0.1), 0]);
});

test("penalties and biases: a slot is written once, and counts the tokens of steps", async () => {
  const sampler = new Sampler({ ...OFF, repetitionPenalty: 1.5, logitBias: [[7, -3], [8, 0]] }, [4, 4, 5]);
  const next = (): Draw => ({ ...sampler.next(), control: 2 });
  await executor.prefillAndSample([4, 4, 5], 0, CACHE, next());
  const at = 2 * VOCABULARY;
  assert.deepEqual([...words("counts").subarray(at + 3, at + 7)], [0, 1, 1, 0]);
  assert.deepEqual([...new Float32Array(gpu.named("bias").bytes.buffer).subarray(at + 6, at + 9)], [0, -3, 0]);
  assert.deepEqual([...words("sampling").subarray(10, 14)], [1 | 2, 2, 3, 0]);
  gpu.log.commands.length = 0;
  gpu.log.created.length = 0;
  await executor.decode([row(next(), 3)]);
  assert.deepEqual(commands("counts", "bias", "mask"), ["embed", "attend", "adjust", "sample", "submit 1"]);
  assert.deepEqual(gpu.log.created, ["encoder"]);
  assert.deepEqual([...words("sampling").subarray(10, 14)], [1 | 2, 2, 0, 1]);
  await executor.prefillAndSample([9, 8, 7], 4, CACHE, { ...next(), counted: 2 }); // forced tokens
  assert.deepEqual([...words("sampling").subarray(12, 14)], [1, 2]);
  sampler.resume([9, 9, 5]);
  await executor.decode([null, row({ ...sampler.next(), control: 0 }, 9)]);
  assert.deepEqual([...words("counts").subarray(3, 10)], [0, 1, 3, 0, 0, 0, 4]);
  assert.deepEqual([...words("sampling").subarray(10, 14)], [0, 0, 0, 0]); // a row of nothing
  assert.deepEqual([...words("sampling").subarray(16 + 10, 16 + 14)], [1 | 2, 0, 1, 1]);
});

test("a mask is made while the forward pass runs, which has a submit of its own; one that allows all costs nothing more", async () => {
  let seen: string[] = [];
  const mask = (): Uint32Array => {
    seen = commands();
    return Uint32Array.of(5, 6, 99);
  };
  await executor.decode([row(drawn({})), row({ ...drawn({}), mask }, 0)]);
  assert.deepEqual(seen, ["embed", "attend_rows", "submit 1"]);
  assert.deepEqual(commands("mask"), ["embed", "attend_rows", "submit 1", "write mask", "adjust", "sample", "submit 1"]);
  assert.deepEqual([...words("mask").subarray(0, 5)], [0, 0, 5, 6, 0]);
  assert.deepEqual([words("sampling")[10], words("sampling")[26]], [0, 4]);
  gpu.log.commands.length = 0;
  await executor.decode([row({ ...drawn({}), mask: () => undefined })]);
  assert.deepEqual(commands("mask"), ["embed", "attend", "submit 1", "sample", "submit 1"]);
});

test("logprobs come with the token, of the logits before anything was done to them", async () => {
  await executor.prefillAndSample([1], 0, CACHE, { ...drawn({ topLogprobs: 2, presencePenalty: 1 }), control: 0 });
  assert.deepEqual(commands(), ["embed", "attend", "embed", "embed", "keep", "adjust", "sample", "likeliest", "submit 1"]);
  assert.equal(words("sampling")[14], 2);
  const told = words("logprobs");
  const floats = new Float32Array(told.buffer);
  floats[64] = -1.5;
  told.set([7, 0, 9, 0], 66);
  floats.set([-0.5], 67);
  floats.set([-3.4e38], 69);
  const results = await executor.decode([row(drawn({})), row(drawn({ topLogprobs: 2 }), 0)]);
  assert.deepEqual(results[1]?.logprobs, { chosen: -1.5, top: [{ token: 7, logprob: -0.5 }] });
  assert.equal(results[0]?.logprobs, undefined);
});

test("a processor gets the model's logits and leaves its own; steps behind it wait, and what it throws fails its step alone", async () => {
  new Float32Array(gpu.named("logits").bytes.buffer).fill(2);
  const lengths: number[] = [];
  const process = (logits: Float32Array): void => {
    lengths.push(logits.length);
    logits[3] = (logits[3] ?? 0) + 1;
  };
  const first = executor.decode([row({ ...drawn({}), process })]);
  const second = executor.decode([row(drawn({}), 4)]);
  await Promise.all([first, second]);
  assert.deepEqual(lengths, [VOCABULARY]);
  assert.deepEqual(commands("logits"), ["embed", "attend", "submit 1", "submit 1", "write logits", "sample", "submit 1", "embed", "attend", "sample", "submit 1"]);
  assert.deepEqual([...new Float32Array(gpu.named("logits").bytes.buffer).subarray(2, 5)], [2, 3, 2]);
  const wrong = executor.decode([row({ ...drawn({}), process: () => { throw new RangeError("mine"); } })]);
  await assert.rejects(wrong, /mine/);
  assert.equal((await executor.decode([row(drawn({}))])).length, 1);
});

test("where the GPU has no room for what a request asks for, that step fails and no other", async () => {
  gpu.capacity = 100;
  const failed = executor.decode([row({ ...drawn({ frequencyPenalty: 1 }), control: 0 })]);
  await assert.rejects(failed, OutOfMemoryError);
  assert.equal((await executor.decode([row(drawn({}))])).length, 1);
});
