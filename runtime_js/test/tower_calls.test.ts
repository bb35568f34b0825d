import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferTable, allocateWeights } from "../src/executor/buffers.ts";
import { DeviceWatch } from "../src/executor/device.ts";
import { PlanExecutor } from "../src/executor/executor.ts";
import { patchCall, probeTile } from "../src/executor/patches.ts";
import { compileKernels } from "../src/executor/pipelines.ts";
import { parsePlan } from "../src/executor/plan.ts";
import type { Tile } from "../src/media/picture.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { FAKE_WGSL, fakeLaunch, fakePlan } from "./fakes/plan.ts";

const PLAN = parsePlan(fakePlan(true), FAKE_WGSL);

async function makeExecutor({ device }: FakeGpu): Promise<PlanExecutor> {
  const watch = new DeviceWatch(device);
  const variant = PLAN.variants.find(({ name }) => name === "f32") ?? assert.fail();
  const buffers = await BufferTable.create(device, PLAN, variant, [1], await allocateWeights(device, PLAN));
  const kernels = (await compileKernels(device, PLAN, variant, [[0], [0], [0], []], () => undefined)).map(([only]) => only);
  const library = { plan: PLAN, launch: fakeLaunch };
  return new PlanExecutor({ device, watch, library, variant, buffers, kernels, usualTiles: [0, 0, 0, 1], contextLength: 128, isCpu: false });
}

test("calls of a tower come side by side, also where one of them gives the cache room", async () => {
  const tile = (count: number): Tile => ({ grid: [1, count], tokens: count / 2, patches: new Float32Array(8 * count), positions: new Int32Array(2 * count) });
  for (let turns = 0; turns < 20; turns++) { // of the loop of promises, behind which the second call comes
    const gpu = new FakeGpu();
    const executor = await makeExecutor(gpu);
    const errors: string[] = [];
    gpu.device.addEventListener("uncapturederror", ({ error }) => errors.push(error.message));
    const first = executor.see([tile(8)]);
    for (let i = 0; i < turns; i++) await Promise.resolve();
    const seen = await Promise.all([first, executor.see([tile(4)])]);
    assert.deepEqual([seen.map(({ length }) => length), errors], [[32, 16], []], `${turns}`);
  }
});

test("patches know those around them in their own tile, in whatever order they come", () => {
  const plan = { io: [{ name: "patches", bytes: 4 * 8 * 16 }, { name: "neighbours", bytes: 4 * 9 * 16 }], model: { ...PLAN.model, prefillChunk: 16 } };
  const tile = (grid: Tile["grid"], places: readonly number[]): Tile => ({ grid, tokens: places.length / 8, patches: new Float32Array(4 * places.length), positions: Int32Array.from(places) });
  const around = (tiles: readonly Tile[]): readonly number[][] => {
    const found = patchCall(tiles, plan, 1).words.filter(([name]) => name === "neighbours");
    return found.map(([, offset, words]) => [offset, ...words]);
  };
  const square = tile([2, 2], [0, 0, 0, 1, 1, 0, 1, 1]);
  const blocks = tile([2, 4], [0, 2, 0, 3, 1, 2, 1, 3, 0, 0, 0, 1, 1, 0, 1, 1]); // the right half first
  assert.deepEqual(around([square, blocks]), [
    [0, -1, -1, -1, -1, 0, 1, -1, 2, 3, -1, -1, -1, 0, 1, -1, 2, 3, -1, -1, 0, 1, -1, 2, 3, -1, -1, -1, 0, 1, -1, 2, 3, -1, -1, -1, -1],
    [
      4 * 36, -1, -1, -1, 9, 4, 5, 11, 6, 7, -1, -1, -1, 4, 5, -1, 6, 7, -1, 9, 4, 5, 11, 6, 7, -1, -1, -1, 4, 5, -1, 6, 7, -1, -1, -1, -1,
      -1, -1, -1, -1, 8, 9, -1, 10, 11, -1, -1, -1, 8, 9, 4, 10, 11, 6, -1, 8, 9, -1, 10, 11, -1, -1, -1, 8, 9, 4, 10, 11, 6, -1, -1, -1,
    ],
  ]);
  // Of a probe all patches are at one place, where the last one is.
  assert.deepEqual(around([probeTile(3, plan)]), [[0, ...[1, 2, 3].flatMap(() => [-1, -1, -1, -1, 2, -1, -1, -1, -1])]]);
});
