import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferTable, allocateWeights } from "../src/executor/buffers.ts";
import { DeviceWatch } from "../src/executor/device.ts";
import { PlanExecutor } from "../src/executor/executor.ts";
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
