import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { DeviceLostError, FeatureSupportError, GPUExecutionError, OutOfMemoryError } from "../src/support/errors.ts";
import { BufferTable, allocateWeights, slotCount } from "../src/executor/buffers.ts";
import { DeviceWatch, VariantError, chooseVariants } from "../src/executor/device.ts";
import { PlanExecutor } from "../src/executor/executor.ts";
import { compileKernels } from "../src/executor/pipelines.ts";
import { parsePlan, type VariantPlan } from "../src/executor/plan.ts";
import { rotaryTable, type Place } from "../src/executor/rope.ts";
import type { CacheView, Row } from "../src/executor/runner.ts";
import { fails } from "./fakes/expect.ts";
import { FakeGpu, FakeOutOfMemoryError } from "./fakes/gpu.ts";
import { FAKE_WGSL, fakeLaunch, fakePlan } from "./fakes/plan.ts";

const PLAN = parsePlan(fakePlan(), FAKE_WGSL);
const GREEDY = new Uint32Array(16);

function variantCalled(name: string): VariantPlan {
  const variant = PLAN.variants.find((candidate) => candidate.name === name);
  assert.ok(variant);
  return variant;
}

const F32 = variantCalled("f32");
let gpu = new FakeGpu();
beforeEach(() => { gpu = new FakeGpu(); });

async function makeExecutor(pages = 2, tiles: readonly number[] = [0, 0, 0, -1], plan = PLAN): Promise<PlanExecutor> {
  const watch = new DeviceWatch(gpu.device);
  const variant = plan.variants.find(({ name }) => name === "f32") ?? assert.fail();
  const buffers = await BufferTable.create(gpu.device, plan, variant, [pages], await allocateWeights(gpu.device, plan));
  const wanted = tiles.map((tile) => (tile < 0 ? [] : [tile]));
  const kernels = (await compileKernels(gpu.device, plan, variant, wanted, () => undefined)).map(([only]) => only);
  const library = { plan, launch: fakeLaunch };
  const usualTiles = [0, 0, 0, 1];
  return new PlanExecutor({ device: gpu.device, watch, library, variant, buffers, kernels, usualTiles, contextLength: 128, isCpu: false });
}

function cache(pages: number[], copies: number[] = []): CacheView {
  return { tables: [Int32Array.from(pages)], copies: Int32Array.from(copies) };
}

const at = (position: number): Place => ({ position, isLong: false });

function row(position: number, view: CacheView): readonly Row[] {
  return [{ position, cache: view, sampling: GREEDY }];
}

function clearLog(): void {
  gpu.log.created.length = 0;
  gpu.log.commands.length = 0;
}

test("everything is made once: a buffer each, a bind group a step, a layout a signature, a module a text", async () => {
  await makeExecutor();
  const count = (kind: string): number => gpu.log.created.filter((made) => made === kind).length;
  assert.equal(count("pipeline"), 3);
  assert.equal(count("shaderModule"), 2);
  assert.equal(count("bindGroupLayout"), 3);
  assert.equal(count("bindGroup"), 7);
  assert.equal(count("buffer"), 1 /* weights */ + 1 + 8 + 1 + 1 /* spare page */ + 4 /* uniforms */ + 8 /* readbacks */);
});

test("a decode step is one encoder, one pass, one submit, and makes no other object", async () => {
  const executor = await makeExecutor();
  await executor.prefillAndSample([1, 2, 3], 0, cache([0]), { sampling: GREEDY });
  await executor.decode(row(3, cache([0])));
  clearLog();
  await executor.decode(row(4, cache([0, 1])));
  assert.deepEqual(gpu.log.created, ["encoder"]);
  assert.deepEqual(gpu.log.commands, [
    "write state", "write rope0", "write page_table0", "pass",
    "write uniforms", "embed(tokens,weights 0,workspace 0,uniforms) 1x1x5", "attend(state kv0,workspace 0,logits) 4x1x5",
    "sample(logits,sampling,tokens,history) 1x1x5", "end", "copy history 8 > readback 0", "submit 1",
  ]);
});

test("a text that would take long comes in several submits, each of some dispatches, in their order", async () => {
  const plan = parsePlan({ ...fakePlan(), io: [...[fakePlan()["io"]].flat(), { name: "pooled", bytes: 32 }] }, FAKE_WGSL);
  const encode = { launch: "launch_0_encode", kernels: [5], steps: [{ kernel: 0, buffers: [7, 16] }] };
  const variants = plan.variants.map((variant) => ({ ...variant, functions: new Map([...variant.functions, ["encode", encode]]) }));
  const executor = await makeExecutor(2, undefined, { ...plan, variants });
  const dispatches = async (): Promise<string[]> => {
    clearLog();
    await executor.encode([1, 2, 3, 4], 0, cache([0]));
    return gpu.log.commands.filter((command) => /[(]|^submit/.test(command)).map((command) => command.replace(/[(].*/, ""));
  };
  assert.deepEqual(await dispatches(), ["embed", "attend", "embed", "keep", "submit 1"]);
  executor.shape = { ...executor.shape, tokenMs: 300 };
  assert.deepEqual(await dispatches(), ["embed", "submit 1", "attend", "submit 1", "embed", "keep", "submit 1"]);
});

test("a kernel runs in its chosen tile, with that tile's grid", async () => {
  const executor = await makeExecutor(2, [2, 0, 0, -1]);
  await executor.decode(row(4, cache([0])));
  const dispatches = gpu.log.commands.filter((command) => command.includes("("));
  assert.deepEqual(dispatches.map((command) => command.replace(/[(].*[)]/, "")), ["embed_tall 3x1x5", "attend 4x1x5", "sample 1x1x5"]);
});

test("equal inputs are not written again", async () => {
  const executor = await makeExecutor();
  await executor.decode(row(3, cache([1])));
  clearLog();
  await executor.decode(row(3, cache([1])));
  assert.deepEqual(gpu.log.commands.filter((command) => command.startsWith("write")), ["write state", "write rope0"]);
});

test("the GPU begins with a long chunk before all of it is recorded, once with each dispatch and in their order", async () => {
  const long = F32.functions.get("prefill") ?? assert.fail();
  const steps = Array.from({ length: 30 }, (_, i) => long.steps[i % long.steps.length] ?? assert.fail());
  const variant = { ...F32, functions: new Map([...F32.functions, ["prefill", { ...long, steps }]]) };
  const executor = await makeExecutor(2, [0, 0, 0, -1], { ...PLAN, variants: [variant] });
  const labels = async (run: () => Promise<unknown>): Promise<string[]> => {
    clearLog();
    await run();
    return gpu.log.commands.filter((command) => command.includes("(") || command.startsWith("submit")).map((command) => command.replace(/[(].*/, ""));
  };
  const whole = await labels(() => executor.prefillAndSample([1, 2], 0, cache([0], [0, 0, 1]), { sampling: GREEDY }));
  assert.equal(gpu.log.commands.filter((command) => command.startsWith("copy state")).length, 1, "a page is copied once");
  assert.equal(whole.indexOf("submit 1"), 12);
  assert.equal(whole.filter((command) => command === "submit 1").length, 2);
  const alone = await labels(() => executor.prefill([1, 2], 0, cache([0])));
  const dispatches = alone.filter((command) => command !== "submit 1");
  assert.equal(dispatches.length, 30);
  assert.deepEqual(whole.filter((command) => command !== "submit 1").slice(0, 30), dispatches);
});

test("a step's inputs lie where the kernels read them", async () => {
  const executor = await makeExecutor();
  const sampling = new Uint32Array([0x3f800000, 0x3f800000, 7, 0, 3, ...new Uint32Array(11)]);
  await executor.prefillAndSample([4, 5, 6], 9, cache([5, 1, 2]), { sampling });
  const ints = (label: string): Int32Array => new Int32Array(gpu.named(label).bytes.buffer);
  assert.deepEqual([...ints("tokens").slice(0, 3)], [4, 5, 6]);
  assert.deepEqual([...ints("state").slice(0, 4)], [9, 3, 0, -1]);
  assert.deepEqual([...ints("page_table0").slice(0, 3)], [5, 1, 2]);
  assert.deepEqual([...new Uint32Array(gpu.named("sampling").bytes.buffer, 0, 16)], [...sampling]);
  assert.deepEqual([...ints("uniforms").slice(0, 2)], [3, 12]);
  const rope = new Float32Array(gpu.named("rope0").bytes.buffer);
  assert.deepEqual([...rope.slice(0, 4)], [...rotaryTable({ invFreq: [1, 0.01], scale: 1, long: null }, [9].map(at))]);
});

test("a step of several rows: its kernels are compiled when it is first asked for, and steps behind it keep their order", async () => {
  const executor = await makeExecutor(4);
  assert.deepEqual(executor.shape.rowCounts, [1, 2]);
  const rows: Row[] = [
    { position: 5, cache: cache([1, 3]), sampling: new Uint32Array(16).fill(1), token: 8 },
    { position: 2, cache: cache([2], [0, 1, 2]), sampling: new Uint32Array(16).fill(2), token: 9 },
  ];
  clearLog();
  const changing = cache([1, 3]);
  const waiting = [executor.decode(rows), executor.decode(row(6, changing))];
  for (const table of changing.tables) table.fill(0); // views are of memory that changes after the call
  const [both] = await Promise.all(waiting);
  assert.ok(both);
  assert.equal(new Int32Array(gpu.named("page_table0").bytes.buffer)[1], 3);
  assert.equal(both.length, 2);
  assert.equal(gpu.log.created.filter((made) => made === "pipeline").length, 1);
  const steps = gpu.log.commands.filter((command) => /^(embed|attend|sample)/.test(command));
  assert.deepEqual(steps.map((command) => command.replace(/[(].*[)]/, "")), [
    "embed 1x2x6", "attend_rows_wide 5x2x6", "sample 1x2x6", "embed 1x1x7", "attend 4x1x7", "sample 1x1x7",
  ]);
  clearLog();
  await executor.decode(rows);
  assert.deepEqual(gpu.log.created, ["encoder"]);
  const ints = (label: string): Int32Array => new Int32Array(gpu.named(label).bytes.buffer);
  assert.deepEqual([...ints("tokens").slice(0, 2)], [8, 9]);
  assert.deepEqual([...ints("state").slice(0, 3), ...ints("state").slice(16, 19)], [5, 1, 3, 2, 1, 4]);
  assert.deepEqual([...ints("page_table0").slice(0, 2), ints("page_table0")[32]], [1, 3, 2]);
  assert.deepEqual([ints("sampling")[0], ints("sampling")[16]], [1, 2]);
  const turns = new Float32Array(gpu.named("rope0").bytes.buffer);
  assert.deepEqual([...turns.slice(0, 8)], [...rotaryTable({ invFreq: [1, 0.01], scale: 1, long: null }, [5, 2].map(at))]);
  assert.ok(gpu.log.commands.includes(`copy history ${4 * 3} > readback 0`));
  await assert.rejects(executor.decode([...rows, ...rows]), RangeError);
  await assert.rejects(executor.decode([]), RangeError);
});

test("a row is told how many rows of its sequence come before it, which no cache holds yet", async () => {
  const executor = await makeExecutor(4);
  const before = async (first: Row, second: Row): Promise<number | undefined> => {
    await executor.decode([first, second]);
    return new Int32Array(gpu.named("state").bytes.buffer)[16 + 5];
  };
  const at = (position: number, pages: number[]): Row => ({ position, cache: cache(pages), sampling: GREEDY, token: 1 });
  assert.equal(await before(at(5, [0, 1]), at(6, [0, 1])), 1);
  assert.equal(await before(at(3, [0, 1]), at(4, [0, 1])), 1); // the first token of a page
  assert.equal(await before(at(5, [0, 1]), at(6, [0, 2])), 0); // another one, which began alike
  assert.equal(await before(at(5, [0, 1]), at(5, [0, 2])), 0);
  await assert.rejects(before(at(6, [0, 1]), at(5, [0, 1])), fails(RangeError, /one behind the other/));
});

test("kernels of several rows that do not compile fail that step and no other", async () => {
  const executor = await makeExecutor(4);
  const create = gpu.device.createComputePipelineAsync.bind(gpu.device);
  Object.assign(gpu.device, { createComputePipelineAsync: () => Promise.reject(new Error("no")) });
  const rows: Row[] = [0, 1].map((at) => ({ position: at, cache: cache([at]), sampling: GREEDY, token: 1 }));
  const next = executor.decode(rows);
  const one = executor.decode(row(0, cache([0])));
  await assert.rejects(next, GPUExecutionError);
  assert.equal((await one).length, 1);
  Object.assign(gpu.device, { createComputePipelineAsync: create });
  assert.equal((await executor.decode(rows)).length, 2);
});

test("kernels of several rows are prepared while steps of one go on, once for all who ask, and a row of null does nothing", async () => {
  const executor = await makeExecutor(4);
  const create = gpu.device.createComputePipelineAsync.bind(gpu.device);
  let compiled = (): void => undefined;
  const held = new Promise<void>((resolve) => { compiled = resolve; });
  Object.assign(gpu.device, { createComputePipelineAsync: async (descriptor: GPUComputePipelineDescriptor) => { await held; return create(descriptor); } });
  clearLog();
  const preparing = Promise.all([executor.prepare(2), executor.prepare(2)]);
  assert.equal((await executor.decode(row(3, cache([0])))).length, 1);
  compiled();
  await preparing;
  assert.equal(gpu.log.created.filter((made) => made === "pipeline").length, 1);
  clearLog();
  const behind: Row = { position: 2, cache: cache([2], [0, 1, 2]), sampling: GREEDY, token: 9 };
  assert.equal((await executor.decode([null, behind])).length, 2);
  assert.deepEqual(gpu.log.created, ["encoder"]);
  const ints = (label: string): Int32Array => new Int32Array(gpu.named(label).bytes.buffer);
  assert.deepEqual([...ints("state").slice(0, 2), ...ints("state").slice(16, 18)], [-1, 0, 2, 1]);
  assert.deepEqual([ints("tokens")[1], ints("page_table0")[32]], [9, 2]);
  const turns = new Float32Array(gpu.named("rope0").bytes.buffer);
  assert.deepEqual([...turns.slice(4, 8)], [...rotaryTable({ invFreq: [1, 0.01], scale: 1, long: null }, [2].map(at))]);
  assert.ok(gpu.log.commands.some((command) => command.includes("spare page")), "its page is copied");
  await assert.rejects(async () => executor.prepare(3), RangeError);
});

test("beyond one context the cache grows by parts of one, as far as a buffer may be long", async () => {
  const executor = await makeExecutor(32); // one context
  assert.equal(await executor.reservePages(0, 33), 41);
  await assert.rejects(executor.reservePages(0, (1 << 20) / 256 + 1), fails(OutOfMemoryError, /4096 pages/));
});

test("the ids of a step lie in the history in one piece, also at its end", async () => {
  const executor = await makeExecutor(4);
  for (let i = 0; i < 255; i++) await executor.decode(row(3, cache([0])));
  clearLog();
  await executor.decode([0, 1].map((at) => ({ position: at, cache: cache([at]), sampling: GREEDY, token: 1 })));
  assert.ok(gpu.log.commands.some((command) => command.startsWith("copy history 0 > readback")));
});

test("pages are copied through a spare one, before the pass", async () => {
  const executor = await makeExecutor(4);
  gpu.named("state kv0").bytes.fill(7, 256, 512);
  clearLog();
  await executor.decode(row(3, cache([3], [0, 1, 3])));
  assert.ok(gpu.named("state kv0").bytes.subarray(768, 1024).every((byte) => byte === 7));
  assert.ok(gpu.log.commands.indexOf("copy spare page 0 > state kv0 768") < gpu.log.commands.indexOf("pass"));
});

test("the cache doubles up to the context length, keeps its content and rebinds only what names it", async () => {
  const executor = await makeExecutor(2);
  gpu.named("state kv0").bytes.fill(9);
  clearLog();
  assert.equal(await executor.reservePages(0, 3), 4);
  assert.ok(gpu.named("state kv0").bytes.subarray(0, 512).every((byte) => byte === 9));
  assert.equal(gpu.named("state kv0").size, 4 * 256);
  assert.deepEqual(gpu.log.created.sort(), ["bindGroup", "bindGroup", "buffer", "encoder"]);
  assert.ok(gpu.log.commands.includes("destroy state kv0"));
  assert.equal(await executor.reservePages(0, 30), 30);
  assert.equal(await executor.reservePages(0, 31), 32, "not beyond the context length");
  clearLog();
  assert.equal(await executor.reservePages(0, 5), 32);
  assert.deepEqual(gpu.log.created, []);
});

test("a cache that cannot grow raises OutOfMemoryError and works on", async () => {
  const executor = await makeExecutor(2);
  gpu.capacity = 100;
  await assert.rejects(executor.reservePages(0, 3), OutOfMemoryError);
  gpu.capacity = Infinity;
  assert.equal(gpu.named("state kv0").size, 512);
  await executor.decode(row(1, cache([0])));
});

test("layers grow together; where they cannot, all keep their room and nothing is left behind", async () => {
  const plan = { ...PLAN, states: ["kv0", "kv1", "kv2"].map((name) => ({ name, kind: "pages" as const, querySize: 8, window: null })) };
  const variant = { ...F32, stateBytes: [256, 256, 256] };
  const buffers = await BufferTable.create(gpu.device, plan, variant, [2], await allocateWeights(gpu.device, plan));
  const count = gpu.buffers.length;
  gpu.capacity = 1024 + 100;
  await assert.rejects(buffers.growKv(0, 4), OutOfMemoryError);
  assert.equal(gpu.buffers.length, count);
  const sizes = (): number[] => [0, 1, 2].map((layer) => buffers.binding(plan.weights.length + layer).size);
  assert.deepEqual([sizes(), buffers.pages(0)], [[512, 512, 512], 2]);
  gpu.capacity = Infinity;
  clearLog();
  await buffers.growKv(0, 4);
  assert.deepEqual([sizes(), buffers.pages(0), gpu.buffers.length], [[1024, 1024, 1024], 4, count]);
  assert.equal(gpu.log.commands.filter((command) => command.startsWith("submit")).length, 1);
});

test("the first layer is computed as often as is asked, in one submit, and its time is counted for all layers", async () => {
  const names = ["layers.0.a", "layers.1.b"];
  const plan = { ...PLAN, weights: PLAN.weights.map((weight, i) => ({ ...weight, name: names[i] ?? "" })), io: [...PLAN.io, { name: "pooled", bytes: 64 }] };
  const shifted = { ...F32, functions: new Map([...F32.functions].map(([name, fn]) => [name, { ...fn, steps: fn.steps.map((step) => (
    { ...step, buffers: step.buffers.map((id) => (id === 16 ? 17 : id)) })) }])) };
  const watch = new DeviceWatch(gpu.device);
  const buffers = await BufferTable.create(gpu.device, plan, shifted, [2], await allocateWeights(gpu.device, plan));
  const kernels = (await compileKernels(gpu.device, plan, shifted, [[0], [0], [0], []], () => undefined)).map(([only]) => only);
  const parts = { device: gpu.device, watch, library: { plan, launch: fakeLaunch }, variant: shifted, buffers, kernels, usualTiles: [0, 0, 0, 0], isCpu: false };
  const executor = new PlanExecutor({ ...parts, contextLength: 128 });
  for (const times of [1, 5]) {
    clearLog();
    assert.equal((await executor.firstLayer("prefill", [1, 2, 3], 0, times)).length, 8);
    assert.equal(gpu.log.commands.filter((command) => command.startsWith("embed(")).length, times, "one kernel has weights of the layer");
    assert.equal(gpu.log.commands.filter((command) => command.startsWith("submit")).length, 1);
  }
  assert.equal(executor.shape.tokenMs, undefined);
  executor.learnPace(3);
  assert.equal(executor.shape.tokenMs, 6);
});

test("states in slots have their own number, which memory bounds, and do not grow with a conversation", async () => {
  const states = [
    { name: "kv0", kind: "pages" as const, querySize: 8, window: null },
    ...["mix0", "mix1"].map((name) => ({ name, kind: "slots" as const, querySize: 0, window: null })),
  ];
  for (const [bytes, slots] of [[4, 128], [1 << 20, 64], [1 << 30, 4]] as const) {
    assert.equal(slotCount({ states }, { stateBytes: [256, bytes, bytes] }), slots);
  }
  const plan = { ...PLAN, states };
  const variant = { ...F32, stateBytes: [256, 40, 80] };
  const buffers = await BufferTable.create(gpu.device, plan, variant, [2], await allocateWeights(gpu.device, plan));
  gpu.named("state mix0").bytes.fill(9);
  await buffers.growKv(0, 4);
  assert.deepEqual(["kv0", "mix0", "mix1"].map((name) => gpu.named(`state ${name}`).size), [4 * 256, 128 * 40, 128 * 80]);
  assert.ok(gpu.named("state mix0").bytes.every((byte) => byte === 9));
  assert.deepEqual([buffers.slots, (await BufferTable.create(gpu.device, PLAN, F32, [2], [])).slots], [128, 0]);
});

test("each row says which slots it reads and writes", async () => {
  const executor = await makeExecutor(4);
  const written = (): number[] => [...new Int32Array(gpu.named("state").bytes.buffer, 0, 5)];
  await executor.prefill([1, 2], 0, { ...cache([0]), slots: { read: -1, write: 3 } });
  assert.deepEqual(written(), [0, 2, 0, -1, 3]);
  await executor.decode(row(2, { ...cache([0]), slots: { read: 3, write: 5 } }));
  assert.deepEqual(written().slice(3), [3, 5]);
});

test("a model that does not fit raises OutOfMemoryError with its size", async () => {
  gpu.capacity = 1000;
  await assert.rejects(makeExecutor(), fails(OutOfMemoryError, /no room for the model's weights \(1\.54.kB\)/));
});

test("a lost device, a refused command and a full GPU become errors that stay", async () => {
  let executor = await makeExecutor();
  gpu.lose("driver reset");
  await assert.rejects(executor.decode(row(0, cache([0]))), fails(DeviceLostError, /driver reset.*reload\(\)/));
  await assert.rejects(async () => executor.decode(row(0, cache([0]))), DeviceLostError);
  gpu = new FakeGpu();
  executor = await makeExecutor();
  gpu.raise({ message: "bad dispatch" });
  await assert.rejects(async () => executor.decode(row(0, cache([0]))), GPUExecutionError);
  gpu = new FakeGpu();
  executor = await makeExecutor();
  gpu.raise(new FakeOutOfMemoryError());
  await assert.rejects(executor.prefill([1], 0, cache([0])), OutOfMemoryError);
});

test("a tile that does not compile is left out where there is another", async () => {
  const create = gpu.device.createComputePipelineAsync.bind(gpu.device);
  Object.assign(gpu.device, {
    createComputePipelineAsync: (descriptor: GPUComputePipelineDescriptor) =>
      (descriptor.label === "embed_wide" ? Promise.reject(new Error("too many registers")) : create(descriptor)),
  });
  const kernels = await compileKernels(gpu.device, PLAN, F32, [[0, 1, 2], [0], [0], []], () => undefined);
  assert.deepEqual(kernels.map((tiles) => tiles.map(({ tile }) => tile)), [[0, 2], [0], [0], [], [], [], []]);
  await assert.rejects(makeExecutor(2, [1, 0, 0, -1]), VariantError);
});

test("a shader that does not compile is named", async () => {
  Object.assign(gpu.device, { createComputePipelineAsync: () => Promise.reject(new Error("no such builtin")) });
  await assert.rejects(makeExecutor(), fails(VariantError, /the kernel embed .*no such builtin/));
});

function adapter(features: string[], subgroupMinSize: number, maxBufferSize = 1 << 30): GPUAdapter {
  return Object.assign(Object.create(null), {
    features: new Set(features), info: { subgroupMinSize },
    limits: { maxBufferSize, maxStorageBufferBindingSize: 1 << 30, maxComputeInvocationsPerWorkgroup: 256 },
  });
}

test("the first variant that the adapter can run is taken", () => {
  assert.equal(chooseVariants(adapter(["shader-f16", "subgroups"], 32), PLAN, undefined)[0].name, "f16-sg");
  assert.equal(chooseVariants(adapter(["shader-f16", "subgroups"], 4), PLAN, undefined)[0].name, "f32");
  assert.equal(chooseVariants(adapter(["subgroups"], 32), PLAN, undefined)[0].name, "f32");
  assert.equal(chooseVariants(adapter(["shader-f16", "subgroups"], 32), PLAN, "f32")[0].name, "f32");
});

test("on a CPU and on Apple's GPUs integer dot products come last", () => {
  const dots: VariantPlan = { ...F32, name: "f32-int8", languageFeatures: ["packed_4x8_integer_dot_product"] };
  const value = { gpu: { wgslLanguageFeatures: new Set(dots.languageFeatures) } };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  const names = (info: object): string[] =>
    chooseVariants(Object.assign(adapter([], 0), { info }), { ...PLAN, variants: [dots, F32] }, undefined).map(({ name }) => name);
  assert.deepEqual([names({}), names({ vendor: "qualcomm" })], [["f32-int8", "f32"], ["f32-int8", "f32"]]);
  assert.deepEqual([names({ isFallbackAdapter: true }), names({ vendor: "apple" })], [["f32", "f32-int8"], ["f32", "f32-int8"]]);
});

test("an adapter that can run none is told why", () => {
  const refused = (given: GPUAdapter, forced: string | undefined, message: RegExp): void => {
    assert.throws(() => chooseVariants(given, PLAN, forced), fails(FeatureSupportError, message));
  };
  refused(adapter([], 0), "f16-sg", /f16-sg needs the feature shader-f16/);
  refused(adapter(["shader-f16", "subgroups"], 4), "f16-sg", /needs subgroups of 32, the GPU has 4/);
  refused(adapter([], 0, 1024), undefined, /f32 needs maxBufferSize 1048576, the GPU has 1024/);
  refused(adapter([], 0), "f64", /no variant "f64"; it has f16-sg, f32/);
});
