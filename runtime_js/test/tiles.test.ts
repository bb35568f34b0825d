import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { BufferTable, allocateWeights } from "../src/executor/buffers.ts";
import { DeviceWatch, chooseVariants } from "../src/executor/device.ts";
import { compileKernels } from "../src/executor/pipelines.ts";
import { parsePlan, type VariantPlan } from "../src/executor/plan.ts";
import { TileChoice, type Notes } from "../src/executor/tiles.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { FAKE_WGSL, fakeLaunch, fakePlan } from "./fakes/plan.ts";

const PLAN = parsePlan(fakePlan(), FAKE_WGSL);
const NEVER = new AbortController().signal;

function variantCalled(name: string): VariantPlan {
  const variant = PLAN.variants.find((candidate) => candidate.name === name);
  assert.ok(variant);
  return variant;
}

const F32 = variantCalled("f32");

class FakeNotes implements Notes {
  readonly texts = new Map<string, string>();

  async note(name: string): Promise<string | null> {
    return this.texts.get(name) ?? null;
  }

  async keepNote(name: string, text: string): Promise<void> {
    this.texts.set(name, text);
  }
}

let gpu = new FakeGpu();
let notes = new FakeNotes();
let buffersBefore = 0;
const now = performance.now.bind(performance);

beforeEach(() => {
  gpu = new FakeGpu();
  notes = new FakeNotes();
  Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Browser/1" }, configurable: true });
  performance.now = () => gpu.cpuTime;
});
afterEach(() => { performance.now = now; });

function adapter(vendor: string, isFallbackAdapter = false): GPUAdapter {
  const info = { vendor, architecture: "a", device: "d", description: "", isFallbackAdapter };
  return Object.assign(Object.create(null), { info });
}

/** What a load does with the tiles; gives those that will run. */
async function load(given: GPUAdapter, signal = NEVER): Promise<number[]> {
  const choice = await TileChoice.open(given, F32, "auto", notes);
  const buffers = await BufferTable.create(gpu.device, PLAN, F32, [1], await allocateWeights(gpu.device, PLAN));
  const kernels = await compileKernels(gpu.device, PLAN, F32, choice.wanted, () => undefined);
  buffersBefore = gpu.buffers.length;
  gpu.log.commands.length = 0;
  const library = { plan: PLAN, launch: fakeLaunch };
  const parts = { device: gpu.device, watch: new DeviceWatch(gpu.device), library, variant: F32, buffers };
  return (await choice.settle(parts, kernels, signal)).flatMap((kernel) => kernel?.tile ?? []);
}

function cost(embed: number, wide: number, tall: number): void {
  gpu.costs.set("embed", embed).set("embed_wide", wide).set("embed_tall", tall);
}

for (const clock of ["timestamps", "the clock"]) {
  test(`a first load measures by ${clock}, takes the fastest and remembers it`, async () => {
    if (clock === "timestamps") gpu.features.add("timestamp-query");
    cost(0.03, 0.02, 0.04);
    assert.deepEqual(await load(adapter("nvidia")), [1, 0, 0]);
    cost(0.01, 0.02, 0.04);
    const { wanted, isOpen } = await TileChoice.open(adapter("nvidia"), F32, "auto", notes);
    assert.deepEqual([wanted, isOpen], [[[1], [0], [0], [], [], [], []], false], "a second load compiles and measures nothing else");
    assert.deepEqual(await load(adapter("amd")), [0, 0, 0], "another adapter is measured anew");
    assert.equal(notes.texts.size, 2);
  });
}

test("the default stays without a clear gain; it is the vendor's", async () => {
  cost(0.98, 0.97, 1);
  assert.deepEqual(await load(adapter("nvidia")), [0, 0, 0]);
  assert.deepEqual(await load(adapter("apple")), [2, 0, 0]);
});

test("without calibration, or on a CPU, the default of the vendor or of CPUs runs and nothing is compiled for comparison", async () => {
  for (const [given, calibrate, tile] of [[adapter("apple"), "off", 2], [adapter("apple", true), "auto", 1], [adapter("", true), "auto", 1]] as const) {
    const { wanted, isOpen } = await TileChoice.open(given, F32, calibrate, notes);
    assert.deepEqual([wanted, isOpen], [[[tile], [0], [0], [], [], [], []], false]);
  }
  assert.deepEqual((await TileChoice.open(adapter("constructor"), F32, "off", notes)).wanted, [[0], [0], [0], [], [], [], []]);
  assert.equal(notes.texts.size, 0);
});

test("what was kept and is not of this plan is measured anew", async () => {
  cost(0.03, 0.02, 0.04);
  await load(adapter("nvidia"));
  const [name = ""] = notes.texts.keys();
  for (const text of ["", "[1,0", "{}", "null", "[1,0,0]", "[1,0,0,0,0]", "[3,0,0,0]", "[-1,0,0,0]", "[0.5,0,0,0]", '["1",0,0,0]', "[1,0,1,0]"]) {
    notes.texts.set(name, text);
    assert.deepEqual((await TileChoice.open(adapter("nvidia"), F32, "auto", notes)).wanted, [[0, 1, 2], [0], [0], [], [], [], []], text);
  }
});

test("measuring writes uniforms only and leaves no buffer behind", async () => {
  gpu.features.add("timestamp-query");
  cost(0.03, 0.02, 0.04);
  await load(adapter("nvidia"));
  const written = gpu.log.commands.filter((command) => command.startsWith("write"));
  assert.deepEqual([...new Set(written)], ["write uniforms"]);
  assert.ok(gpu.log.created.lastIndexOf("buffer") > gpu.log.created.indexOf("pipeline"), "measuring makes buffers");
  assert.equal(gpu.buffers.length, buffersBefore);
});

test("a kernel runs on the buffers of all its steps in turn", async () => {
  cost(0.03, 0.02, 0.04);
  await load(adapter("nvidia"));
  const dispatches = new Set(gpu.log.commands.filter((command) => command.startsWith("embed")));
  const expected = ["embed", "embed_wide", "embed_tall"].map((entry, i) => `${entry}(tokens,weights 0,workspace 0,uniforms) ${i + 1}x1x1`);
  assert.deepEqual([...dispatches].sort(), expected.sort());
});

test("a slow GPU keeps its defaults and loses little time", async () => {
  gpu.features.add("timestamp-query");
  cost(200, 100, 100);
  assert.deepEqual(await load(adapter("nvidia")), [0, 0, 0]);
  assert.ok(gpu.cpuTime <= 1000, `${gpu.cpuTime} ms`);
  assert.equal(notes.texts.size, 1, "and is not measured again");
});

test("a load that is stopped remembers nothing", async () => {
  cost(0.03, 0.02, 0.04);
  const stopped = new AbortController();
  stopped.abort();
  await load(adapter("nvidia"), stopped.signal);
  assert.equal(notes.texts.size, 0);
});

const MATRIX = { componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 };
// "embed_tall" and what else is in the second module; "embed" is in the first.
const WITH_MATRICES = parsePlan(fakePlan(), FAKE_WGSL.map((text, i) => (i === 1 ? `${text} subgroup_matrix` : text)));

function adapterWithMatrices(kind: object, sizes = [32, 32], features = ["chromium-experimental-subgroup-matrix"]): GPUAdapter {
  const info = { vendor: "apple", subgroupMinSize: sizes[0], subgroupMaxSize: sizes[1], subgroupMatrixConfigs: [kind] };
  return Object.assign(Object.create(null), { info, features: new Set(features), limits: new Proxy({}, { get: () => 1 << 30 }) });
}

test("a GPU with subgroup matrices has each variant with their tiles first, and without them behind it", async () => {
  const given = adapterWithMatrices(MATRIX);
  const [first, second] = chooseVariants(given, WITH_MATRICES, undefined);
  assert.deepEqual([first.name, second?.name], ["f32-matrices", "f32"]);
  assert.ok(second);
  assert.deepEqual((await TileChoice.open(given, first, "off", notes)).usual[0], 2, "the vendor's default");
  assert.deepEqual((await TileChoice.open(given, second, "off", notes)).usual[0], 0, "what runs anywhere");
  assert.deepEqual((await TileChoice.open(given, first, "auto", notes)).wanted[0], [2, 0, 1]);
  assert.deepEqual((await TileChoice.open(given, second, "auto", notes)).wanted[0], [0, 1]);
  assert.equal(chooseVariants(given, WITH_MATRICES, "f32")[0].features.length, 0);
});

test("matrices of other sizes are left alone", () => {
  for (const given of [
    adapterWithMatrices({ ...MATRIX, N: 8 }), adapterWithMatrices({ ...MATRIX, K: 32 }),
    adapterWithMatrices(MATRIX, [32, 32], []),
  ]) assert.deepEqual(chooseVariants(given, WITH_MATRICES, undefined).map(({ name }) => name), ["f32"]);
  assert.deepEqual(chooseVariants(adapterWithMatrices(MATRIX), PLAN, undefined).map(({ name }) => name), ["f32"], "nor where no tile takes them");
});
