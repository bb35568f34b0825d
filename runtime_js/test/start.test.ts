import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { infoOf, requestAdapter } from "../src/executor/adapter.ts";
import { chooseVariants } from "../src/executor/device.ts";
import { weightUpload } from "../src/executor/upload.ts";
import { estimateOn } from "../src/executor/memory.ts";
import type { MemoryEstimate } from "../src/executor/memory_estimate.ts";
import { parsePlan } from "../src/executor/plan.ts";
import type { StartOptions } from "../src/executor/backend.ts";
import { openDevice, startModel, type StartedModel } from "../src/executor/start.ts";
import type { Probe } from "../src/storage/manifest.ts";
import { DeviceLostError, FeatureSupportError, OutOfMemoryError, RequestValidationError, WebGPUNotAvailableError } from "../src/support/errors.ts";
import { fails } from "./fakes/expect.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { fakeLaunch, fakePlan } from "./fakes/plan.ts";

const WGSL = ["fn one() {}", "fn two() {}"];
const PLAN = parsePlan(fakePlan(), WGSL);
const LIBRARY = { plan: PLAN, launch: fakeLaunch };
const NOTES = { note: async (): Promise<null> => null, keepNote: async (): Promise<void> => undefined };
const GREEDY = new Uint32Array(8);
const CACHE = { tables: [Int32Array.of(0)], copies: new Int32Array() };

let gpu = new FakeGpu();
let asked: GPUDeviceDescriptor[] = [];

beforeEach(() => {
  gpu = new FakeGpu();
  asked = [];
  const value = { userAgent: "Browser/1", gpu: { wgslLanguageFeatures: new Set() } };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
});

function adapter(features: readonly string[], more: object = {}): GPUAdapter {
  return Object.assign(Object.create(null), {
    features: new Set(features), info: { vendor: "v", subgroupMinSize: 32, isFallbackAdapter: true },
    limits: { maxBufferSize: 1 << 30, maxStorageBufferBindingSize: 1 << 30, maxComputeInvocationsPerWorkgroup: 256 },
    requestDevice: async (descriptor: GPUDeviceDescriptor): Promise<GPUDevice> => {
      asked.push(descriptor);
      return gpu.device;
    },
    ...more,
  });
}

const ALL = adapter(["shader-f16", "subgroups"]);

type Options = StartOptions & { readonly variant?: string };

async function start(
  given: GPUAdapter = ALL, options: Options = {}, weights: Promise<void> = Promise.resolve(), library = LIBRARY, probe?: Probe,
): Promise<StartedModel> {
  const on = await openDevice(given, library, chooseVariants(given, library.plan, options.variant), options, NOTES);
  return startModel(on, { options, notes: NOTES, probe, weights, onCompiled: () => undefined, signal: new AbortController().signal });
}

/** Pipelines of the variant that is tried n-th do not compile, for each n. */
function breakPipelines(...broken: readonly number[]): void {
  const create = gpu.device.createComputePipelineAsync.bind(gpu.device);
  let embeds = -1;
  Object.assign(gpu.device, {
    createComputePipelineAsync: (descriptor: GPUComputePipelineDescriptor) => {
      if (descriptor.label?.startsWith("embed")) embeds++;
      return descriptor.label === "attend" && broken.includes(embeds) ? Promise.reject(new Error("internal error")) : create(descriptor);
    },
  });
}

test("the fastest variant runs, on a device that could run the others too", async () => {
  const { variant, contextLength, warning, runner } = await start();
  assert.deepEqual([variant.name, contextLength, warning], ["f16-sg", 128, undefined]);
  assert.equal(runner.shape.shortestChunk, 64, "on the CPU");
  assert.deepEqual(asked.map(({ requiredFeatures }) => requiredFeatures), [["shader-f16", "subgroups"]]);
});

test("a kernel that does not compile gives way to the next variant; weights stay and nothing else is left behind", async () => {
  await start(ALL, { variant: "f32" });
  const buffers = gpu.buffers.map(({ label }) => label).sort();
  gpu = new FakeGpu();
  breakPipelines(0);
  let stored: () => void = () => undefined;
  const on = await openDevice(ALL, LIBRARY, chooseVariants(ALL, PLAN, undefined), {}, NOTES);
  const weights = new Promise<void>((resolve) => { stored = resolve; });
  const started = startModel(on, { options: {}, notes: NOTES, probe: undefined, weights, onCompiled: () => undefined, signal: new AbortController().signal });
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const upload = weightUpload(on);
  await upload.write([{ name: "a", dtype: "uint32", shape: [256], offset: 0, bytes: 1024 }], 0, bytes);
  upload.free();
  stored();
  const { variant, runner } = await started;
  assert.equal(variant.name, "f32");
  assert.deepEqual(gpu.named("weights 0").bytes.slice(0, 4), bytes);
  assert.deepEqual(gpu.buffers.map(({ label }) => label).sort(), buffers);
  assert.equal(asked.length, 2, "one device for each start");
  await runner.decode([{ position: 0, cache: CACHE, sampling: GREEDY, token: 1 }]);
});

test("a module that is wrong is no failure of the device", async () => {
  gpu.wrongShaders.add("fn two() {}"); // attend and a tile of embed
  await assert.rejects(start(), fails(FeatureSupportError, /f16-sg: the kernel attend .*no such builtin.*f32: the kernel attend .*graphics driver/));
});

test("a variant that computes wrongly gives way to the next, and at last to an error", async () => {
  const weights = PLAN.weights.map((weight, i) => ({ ...weight, name: ["layers.0.a", "layers.0.b"][i] ?? weight.name }));
  const library = { ...LIBRARY, plan: { ...PLAN, weights } };
  const started = start(ALL, {}, Promise.resolve(), library, { tokens: [1, 2], values: [1, 2] });
  await assert.rejects(started, fails(FeatureSupportError, /f16-sg: it computes wrong numbers \(prefill.*f32: it computes wrong numbers \(prefill/));
});

test("where no variant works the error names each with its reason, and so where one was asked for", async () => {
  breakPipelines(0, 1);
  await assert.rejects(start(), fails(FeatureSupportError, /No variant .*f16-sg: the kernel attend .*internal error.*f32: .*another browser/));
  gpu = new FakeGpu();
  breakPipelines(0);
  await assert.rejects(start(ALL, { variant: "f16-sg" }), FeatureSupportError);
});

test("a GPU that has no room, whichever buffer it is, is an error with advice; and once there is room the model starts", async () => {
  await start();
  const { length } = gpu.log.created.filter((made) => made === "buffer");
  for (let room = 0; room < length; room++) {
    gpu = new FakeGpu();
    gpu.roomFor = room;
    await assert.rejects(start(), fails(OutOfMemoryError, /smaller context window or a smaller model/), `${room} of ${length}`);
  }
  gpu = new FakeGpu();
  await start();
});

test("the memory that a model takes is told from its plan", async () => {
  const { variant, buffers } = await start();
  await buffers.growKv(0, 128 / 4);
  const bytes = (labels: RegExp): number => gpu.buffers.reduce((total, { label, size }) => total + (labels.test(label) ? size : 0), 0);
  const estimate = estimateOn(ALL, PLAN, variant, undefined);
  assert.deepEqual(estimate, {
    weights: bytes(/^weights/), cache: bytes(/^state kv/), contextLength: 128, total: estimate.weights + estimate.cache + estimate.workspace,
    workspace: bytes(/./) - bytes(/^weights|^state kv|^uniforms$|^readback$/),
  });
  assert.equal(estimateOn(ALL, PLAN, variant, 10).cache, 3 * 256);
  const small = adapter([], { limits: { maxBufferSize: 1 << 20, maxStorageBufferBindingSize: 1 << 20, maxComputeInvocationsPerWorkgroup: 256 } });
  assert.equal(estimateOn(small, PLAN, variant, 1 << 20).contextLength, 128);
});

test("what a model with windows allocates for the longest conversation is what was told from its plan", async () => {
  const { plan: value, memory } = JSON.parse(readFileSync("../tests/golden/memory.json", "utf8"));
  const plan = parsePlan(value, WGSL);
  const library = { plan, launch: fakeLaunch };
  const on = await openDevice(ALL, library, chooseVariants(ALL, plan, undefined), {}, NOTES);
  const work = { options: {}, notes: NOTES, probe: undefined, weights: Promise.resolve(), onCompiled: () => undefined, signal: new AbortController().signal };
  const { runner, variant } = await startModel(on, work);
  for (const [group, { pages }] of runner.shape.groups.entries()) for (let some = 1; some <= pages; some++) await runner.reservePages(group, some);
  const allocated = gpu.buffers.reduce((total, { label, size }) => total + (/^uniforms$|^readback$/.test(label) ? 0 : size), 0);
  const estimate = estimateOn(ALL, plan, variant, undefined);
  assert.deepEqual(runner.shape.groups, [{ window: null, pages: 128 }, { window: 6, pages: 22 }]);
  assert.deepEqual(pick(estimate), memory[0]);
  assert.equal(estimate.total, allocated);
  assert.deepEqual(pick(estimateOn(ALL, plan, variant, 40)), memory[1]);
});

function pick({ weights, cache, workspace, contextLength }: MemoryEstimate): Record<string, number> {
  return { tokens: contextLength, weights, cache, workspace };
}

test("a device that is lost while it loads is not taken for a wrong variant", async () => {
  breakPipelines(0, 1);
  const weights = new Promise<void>(() => undefined);
  gpu.lose("driver reset");
  await assert.rejects(start(ALL, {}, weights), fails(DeviceLostError, /driver reset.*reload\(\)/));
  gpu = new FakeGpu();
  const starting = start(ALL, {}, new Promise((resolve) => { setTimeout(resolve, 10); }));
  gpu.lose("driver reset");
  await assert.rejects(starting, DeviceLostError);
  gpu = new FakeGpu(); // which says so only when kernels have failed
  breakPipelines(0, 1, 2, 3);
  const late = start(ALL);
  setTimeout(() => gpu.lose("driver reset"), 50);
  await assert.rejects(late, fails(DeviceLostError, /driver reset/));
});

test("a device that is lost in a prefill or a decode step fails what waits, and stays failed", async () => {
  for (const step of ["prefill", "decode"]) {
    gpu = new FakeGpu();
    const { runner } = await start();
    const run = async (): Promise<unknown> =>
      (step === "prefill" ? runner.prefill([1, 2], 0, CACHE) : runner.decode([{ position: 0, cache: CACHE, sampling: GREEDY, token: 1 }]));
    const lost = (): Promise<never> => Promise.reject(new Error("lost"));
    for (const waits of gpu.buffers) Object.assign(waits, { mapAsync: lost });
    Object.assign(gpu.device.queue, { onSubmittedWorkDone: lost });
    const waiting = run();
    gpu.lose("driver reset");
    await assert.rejects(waiting, DeviceLostError, step);
    await assert.rejects(run, DeviceLostError, step);
  }
});

test("WebGPU's default limits shorten the context, with a warning", async () => {
  const limits = { maxBufferSize: 1 << 20, maxStorageBufferBindingSize: 1 << 20, maxComputeInvocationsPerWorkgroup: 256 };
  gpu.limits.maxStorageBufferBindingSize = 4096;
  const { contextLength, warning } = await start(adapter([], { limits: { ...limits } }));
  assert.equal(contextLength, 4096 / 256 * 4);
  assert.match(warning ?? "", /64 tokens: this GPU allows no larger buffers/);
  await assert.rejects(start(ALL, { contextLength: 4096 }), RequestValidationError);
});

test("an adapter without info, and a browser without a list of WGSL's features, run what needs neither", async () => {
  Object.assign(navigator, { gpu: {} });
  const old = adapter(["shader-f16", "subgroups"], { info: undefined });
  assert.deepEqual(infoOf(old), { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false, subgroupMinSize: 0 });
  assert.equal((await start(old)).variant.name, "f32");
});

test("a vendor that is told by its number is named as browsers name it", () => {
  const vendors = ["4318", "32902", "65541", "0", "nvidia", ""].map((vendor) => infoOf({ info: { vendor } }).vendor);
  assert.deepEqual(vendors, ["nvidia", "intel", "", "", "nvidia", ""]);
});

test("an adapter is asked for once more without a preference", async () => {
  const asks: unknown[] = [];
  const requestFrom = (answers: readonly (object | null)[]): void => {
    asks.length = 0;
    Object.assign(navigator, { gpu: { requestAdapter: async (options: unknown) => { asks.push(options); return answers[asks.length - 1] ?? null; } } });
  };
  requestFrom([null, ALL]);
  assert.equal(await requestAdapter(), ALL);
  assert.deepEqual(asks, [{ powerPreference: "high-performance" }, undefined]);
  requestFrom([ALL]);
  assert.equal(await requestAdapter(), ALL);
  requestFrom([]);
  await assert.rejects(requestAdapter(), fails(WebGPUNotAvailableError, /found no GPU.*enable-vulkan/));
  Object.assign(navigator, { gpu: { requestAdapter: () => Promise.reject(new Error("switched off in this build")) } });
  await assert.rejects(requestAdapter(), fails(WebGPUNotAvailableError, /switched off in this build/));
});
