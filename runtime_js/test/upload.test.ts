import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceLostError, ManifestError } from "../src/support/errors.ts";
import { allocateWeights, packWeights } from "../src/executor/buffers.ts";
import { DeviceWatch } from "../src/executor/device.ts";
import { parsePlan } from "../src/executor/plan.ts";
import { weightUpload } from "../src/executor/upload.ts";
import { matchTensors } from "../src/executor/weights.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { FAKE_WGSL, WEIGHT_BYTES, fakePlan } from "./fakes/plan.ts";

const PLAN = parsePlan(fakePlan(), FAKE_WGSL);

test("weights land in their buffers, however the stream is cut and in any order", async () => {
  const [first = 0, second = 0] = WEIGHT_BYTES;
  const tensors = [
    { name: "a", dtype: "uint32", shape: [first / 4], offset: 0, bytes: first },
    { name: "b", dtype: "uint32", shape: [second / 4], offset: first + 256, bytes: second },
  ];
  const stream = Uint8Array.from({ length: first + 256 + second }, (_, i) => (i * 7 + (i >> 8)) & 255);
  for (const cut of [256, 1024, 1280, 1500]) {
    const gpu = new FakeGpu();
    const places = await allocateWeights(gpu.device, PLAN);
    const upload = weightUpload({ device: gpu.device, watch: new DeviceWatch(gpu.device), weights: places });
    await Promise.all([upload.write(tensors, cut, stream.slice(cut)), upload.write(tensors, 0, stream.slice(0, cut))]);
    const { bytes } = gpu.named("weights 0");
    const held = places.map(({ offset, size }) => bytes.slice(offset, offset + size));
    assert.deepEqual(held, [stream.slice(0, first), stream.slice(first + 256)]);
  }
  matchTensors(tensors, PLAN);
  assert.throws(() => matchTensors(tensors.slice(0, 1), PLAN), ManifestError);
  assert.throws(() => matchTensors([...tensors, { name: "c", dtype: "u", shape: [1], offset: 4096, bytes: 4 }], PLAN), /weight c/);
});

test("weights cross in pieces, of which none is filled again before it was copied; a lost device ends the load", async () => {
  const MB = 1 << 20;
  const gpu = new FakeGpu();
  const make = gpu.device.createBuffer.bind(gpu.device);
  const copying: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const create = (descriptor: GPUBufferDescriptor): GPUBuffer =>
    Object.assign(make(descriptor), { mapAsync: () => new Promise<void>((resolve, reject) => { copying.push({ resolve, reject }); }) });
  Object.assign(gpu.device, { createBuffer: create });
  const bytes = new Uint8Array(40 * MB).fill(7);
  const weights = [{ buffer: make({ label: "all", size: bytes.length, usage: 0 }), offset: 0, size: bytes.length }];
  const upload = weightUpload({ device: gpu.device, watch: new DeviceWatch(gpu.device), weights });
  const tensors = [{ name: "a", dtype: "uint32", shape: [bytes.length / 4], offset: 0, bytes: bytes.length }];
  const pieces = (): number => gpu.named("all").bytes.filter((_, i) => i % (8 * MB) === 0).reduce((sum, byte) => sum + byte, 0) / 7;
  const written = upload.write(tensors, 0, bytes);
  while (copying.length < 4) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(pieces(), 4, "the fifth waits for the first");
  copying[0]?.resolve();
  await written;
  assert.deepEqual(gpu.named("all").bytes, bytes);
  const more = upload.write(tensors, 0, bytes.subarray(0, 8 * MB));
  gpu.lose("gone");
  copying[1]?.reject(new Error("unmapped"));
  await assert.rejects(more, DeviceLostError);
  upload.free();
  assert.deepEqual(gpu.buffers.map(({ label }) => label), ["all"]);
});

test("weights share large buffers, at offsets that may be bound", () => {
  const MB = 1 << 20;
  const sizes = [100, 100 * MB, 156 * MB - 256, 4, 300 * MB, 8];
  const made: string[] = [];
  const bindings = packWeights(sizes.map((bytes, i) => ({ name: String(i), bytes })), (label, size) => {
    made.push(`${label}: ${size}`);
    return Object.assign(Object.create(null), { label });
  });
  assert.deepEqual(made, [`weights 0: ${256 * MB}`, "weights 3: 4", `weights 4: ${300 * MB}`, "weights 5: 8"]);
  assert.deepEqual(bindings.map(({ buffer, offset, size }) => [buffer.label, offset, size]), [
    ["weights 0", 0, 100], ["weights 0", 256, 100 * MB], ["weights 0", 256 + 100 * MB, 156 * MB - 256],
    ["weights 3", 0, 4], ["weights 4", 0, 300 * MB], ["weights 5", 0, 8],
  ]);
});
