import assert from "node:assert/strict";
import { test } from "node:test";
import { ManifestError } from "../src/support/errors.ts";
import { firstLayerOf, headOf, partsOfStep } from "../src/executor/layers.ts";
import { firstKernels, functionOf, parsePlan, rowCounts, type FunctionPlan } from "../src/executor/plan.ts";
import { fails } from "./fakes/expect.ts";
import { mutations } from "./fakes/mutate.ts";
import { FAKE_WGSL, fakePlan } from "./fakes/plan.ts";

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The fake plan with the value at `path` replaced. */
function planWith(path: string, replacement: unknown): unknown {
  const plan: unknown = structuredClone(fakePlan());
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce((at: unknown, key) => (isRecord(at) ? at[key] : undefined), plan);
  assert.ok(isRecord(parent) && last in parent, path);
  parent[last] = replacement;
  return plan;
}

test("a plan is read, with the browser's names", () => {
  const plan = parsePlan(fakePlan(), FAKE_WGSL);
  assert.deepEqual(plan.model.ropes, [{ invFreq: [1, 0.01], scale: 1, long: null }]);
  assert.deepEqual(plan.variants.map((variant) => variant.name), ["f16-sg", "f32"]);
  assert.deepEqual(plan.variants[1]?.functions.get("decode"), {
    launch: "launch_1_decode", kernels: [0, 1], steps: [{ kernel: 0, buffers: [3, 0, 16] }, { kernel: 1, buffers: [2, 16, 8] }],
  });
  const [embed] = plan.variants[1]?.kernels ?? [];
  assert.deepEqual(embed?.tiles.map(({ entry }) => entry), ["embed", "embed_wide", "embed_tall"]);
  assert.deepEqual(embed?.defaults, new Map([["apple", 2], ["google", 1]]));
  assert.equal(plan.variants[0]?.limits.get("maxBufferSize"), 1 << 20);
});

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ["format", 3, /format 3, this engine reads format 6/],
  ["model.ropes.0.inv_freq", [1], /io buffer rope0 must have 64 bytes/],
  ["model.ropes.0.inv_freq", [1, "x"], /inv_freq\[1\] must be a finite number/],
  ["model.ropes.0", { inv_freq: [1, 2], scale: 1, long_inv_freq: [1], original: 8 }, /long_inv_freq must be 2 numbers/],
  ["model.ropes.0", { inv_freq: [1, 2], scale: 1, long_inv_freq: null, original: 8 }, /long_inv_freq/],
  ["io.3.bytes", 512, /io buffer page_table0 must have 1024 bytes/],
  ["states", [1, 2, 3, 4, 5].map((window) => ({ name: `kv${window}`, kind: "pages", query_size: 8, window })), /5 different windows/],
  ["states.0.kind", "ring", /states\[0\]\.kind/],
  ["states", [], /state_bytes must be multiples of 4 for each of 0 states/],
  ["io.0.bytes", 36, /io buffer tokens must have 32 bytes/],
  ["io.0.name", "state", /two io buffers have one name/],
  ["weights.0.bytes", 1023, /weights\[0\]\.bytes must be a multiple of 4/],
  ["variants", [], /no variant/],
  ["variants.0.features", ["shader-f64"], /does not know/],
  ["variants.0.limits", { maxMagic: 3 }, /maxMagic is not known/],
  ["variants.0.workspace", [6], /multiples of 4/],
  ["variants.1.kernels.0.tiles", [], /tiles must be at least one tile/],
  ["variants.1.kernels.0.tiles", Array(9).fill({ wgsl: 0, entry: "main" }), /tiles has 9 entries; at most 8/],
  ["variants.1.kernels.0.tiles.1.wgsl", 2, /tiles\[1\]\.wgsl must be an integer from 0 to 1/],
  ["variants.1.kernels.0.tiles.2", "main", /tiles\[2\] must be an object/],
  ["variants.1.kernels.0.defaults", { apple: 3 }, /defaults\.apple must be an integer from 0 to 2/],
  ["variants.1.kernels.0.defaults", Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`v${i}`, 0])), /at most 64 entries/],
  ["variants.1.kernels.0.bindings", ["write"], /"read" or "read_write"/],
  ["variants.1.kernels.0.uniform", 1, /uniform must be -1 or 3/],
  ["variants.1.kernels.0.uniform_words", 6, /uniform_words/],
  ["variants.1.functions.decode.launch", "memory", /name of a launch function/],
  ["variants.1.functions.decode.kernels", [7], /kernels\[0\]/],
  ["variants.1.functions.decode.steps.0", [2, [3, 0, 16]], /steps\[0\]\.kernel must be an integer from 0 to 1/],
  ["variants.1.functions.decode.steps.0", [0, [3, 0, 17]], /buffers\[2\] must be an integer from 0 to 16/],
  ["variants.1.functions.decode.steps.0", [0, [3, 0]], /gives 2 buffers to a kernel with 3 bindings/],
  ["variants.1.functions.decode.steps.0", [0, [16, 0, 16]], /writes a buffer that it binds twice/],
  ["variants.1.functions.decode", 5, /functions\.decode must be an object/],
];

for (const [path, value, message] of REFUSED) {
  test(`refused: ${path} = ${JSON.stringify(value)}`, () => {
    assert.throws(() => parsePlan(planWith(path, value), FAKE_WGSL), fails(ManifestError, message));
  });
}

test("a reader asks for the functions that it needs, and learns how many rows a step may have", () => {
  const [variant] = parsePlan(fakePlan(), FAKE_WGSL).variants;
  assert.ok(variant);
  assert.equal(functionOf(variant, "decode_2").launch, "launch_0_decode_2");
  assert.throws(() => functionOf(variant, "encode_image"), fails(ManifestError, /no function encode_image/));
  assert.deepEqual(rowCounts(variant), [1, 2]);
  assert.deepEqual([...firstKernels(variant)].sort(), [0, 1, 2]);
});

test("a step reads all weights but a table that it takes one row of", () => {
  const weights = (...sizes: [string, number][]): Parameters<typeof partsOfStep>[0] => ({ weights: sizes.map(([name, bytes]) => ({ name, bytes })) });
  const [table, layers, head]: [string, number][][] = [[["embedding.q", 80]], [["layers.0.qkv.q", 8], ["layers.0.qkv.s", 2], ["layers.1.qkv.q", 10], ["layers.10.qkv.q", 10]], [["norm.w", 1], ["head.q", 59]]];
  assert.equal(partsOfStep(weights(...table ?? [], ...layers ?? [])), 11, "the head is the embedding");
  assert.equal(partsOfStep(weights(...table ?? [], ...layers ?? [], ...head ?? [])), 9);
});

test("WGSL that is no list of texts is refused", () => {
  for (const wgsl of [null, {}, [1, 2], ["only one"]]) assert.throws(() => parsePlan(fakePlan(), wgsl), ManifestError);
});

test("whatever is mutated, reading ends in a plan or in a ManifestError", () => {
  let refused = 0;
  for (const mutated of mutations(fakePlan())) {
    try {
      parsePlan(mutated, FAKE_WGSL);
    } catch (error) {
      assert.ok(error instanceof ManifestError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 1000, `${refused} refused`);
});

test("a first layer ends where its products are brought together", () => {
  const read = "read", out = "read_write";
  const weights = ["layers.0.up.q", "layers.0.down.q", "layers.1.up.q"].map((name) => ({ name, bytes: 4 }));
  const kernels = [{ bindings: [read, read, out] }, { bindings: [read, read, out] }, { bindings: [read, out] }] as const;
  const multiply = (weight: number, x: number, y: number): FunctionPlan["steps"][number] => ({ kernel: 0, buffers: [weight, x, y] });
  const join = { kernel: 1, buffers: [11, 12, 13] };
  const encode = { kernel: 2, buffers: [13, 14] };
  const end = (...steps: FunctionPlan["steps"]): unknown => firstLayerOf({ weights }, kernels, { launch: "", kernels: [0, 1, 2], steps });
  assert.deepEqual(end(multiply(0, 9, 10), multiply(1, 10, 11), multiply(2, 11, 12)), { steps: 2, output: 11 });
  assert.deepEqual(end(multiply(0, 9, 11), multiply(1, 9, 12), join, encode, multiply(2, 14, 15)), { steps: 3, output: 13 });
  assert.deepEqual(end(multiply(0, 9, 11), multiply(1, 9, 12), join), { steps: 3, output: 13 });
  assert.throws(() => end(join), RangeError);
  const steps = [multiply(0, 9, 10), multiply(1, 10, 11), multiply(2, 11, 12), join, encode, multiply(3, 14, 15)];
  assert.deepEqual(headOf({ weights }, kernels, { launch: "", kernels: [0, 1, 2], steps }), { before: 4, input: 13 });
});
