// Weights that stay in storage: parts of the weight stream, the rows of tokens, and steps that wait for them.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { BufferTable, allocateWeights } from "../src/executor/buffers.ts";
import { DeviceWatch } from "../src/executor/device.ts";
import { PlanExecutor } from "../src/executor/executor.ts";
import { compileKernels } from "../src/executor/pipelines.ts";
import { parsePlan } from "../src/executor/plan.ts";
import { RowReader, storedFrom } from "../src/executor/row_reader.ts";
import type { CacheView } from "../src/executor/runner.ts";
import { matchTensors } from "../src/executor/weights.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import type { WeightRanges } from "../src/storage/weight_ranges.ts";
import { AbortError, DownloadError, ManifestError } from "../src/support/errors.ts";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { Oracle } from "./fakes/drafts.ts";
import { fails } from "./fakes/expect.ts";
import { generate, promptOf, request, setup } from "./fakes/generations.ts";
import { FakeGpu } from "./fakes/gpu.ts";
import { BASE, SHARDS, deploy, manifestObject, tensor } from "./fakes/model.ts";
import { FAKE_WGSL, fakeLaunch, fakePlan } from "./fakes/plan.ts";
import { reference } from "./fakes/runner.ts";
import { FakeServer, FakeStorage, type FakeFile } from "./fakes/web.ts";

let server = new FakeServer();
let storage = new FakeStorage();

beforeEach(() => {
  server = new FakeServer();
  storage = new FakeStorage();
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, location: { href: "https://site.example/sub/" } });
});

function storedFile(name: string): FakeFile {
  return storage.folders.get(encodeURIComponent(BASE))?.get(name) ?? assert.fail();
}

/** The model's last shard and the end of the one before it, loaded. */
async function openRanges(life = new AbortController()): Promise<{ ranges: WeightRanges; folder: ModelFolder }> {
  const manifest = deploy(server, manifestObject());
  const folder = await ModelFolder.open({ manifest }, life.signal);
  const ranges = folder.ranges(SHARD_BYTES - 8, life.signal);
  await folder.readShards(life.signal, () => undefined, (offset, bytes) => ranges.keep(offset, bytes));
  return { ranges, folder };
}

const WHOLE = new Uint8Array([...(SHARDS[0] ?? []).slice(-8), ...(SHARDS[1] ?? [])]);

async function readAt(ranges: WeightRanges, at: number, length: number): Promise<void> {
  const into = new Uint8Array(length);
  await ranges.read(SHARD_BYTES - 8 + at, into);
  assert.deepEqual(into, WHOLE.slice(at, at + length));
}

const PLACES: Readonly<Record<string, () => unknown>> = {
  "in a worker": () => undefined,
  "where files are read asynchronously": () => { storage.asynchronous = true; },
  "beside a page that has all files open": () => openRanges().then(() => { storage.locked = true; }),
  "with full storage": () => { storage.quotaExceeded = true; },
};

for (const [where, prepare] of Object.entries(PLACES)) {
  test(`parts of the stream are read from where shards are kept, across two of them: ${where}`, async () => {
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 4, storage } });
    await prepare();
    const life = new AbortController();
    const { ranges, folder } = await openRanges(life);
    assert.equal(folder.isKept, !storage.quotaExceeded);
    await readAt(ranges, 0, 8);
    await readAt(ranges, 4, 100);
    await readAt(ranges, 8 + 1000, 24);
    assert.equal(server.requests.filter(({ url }) => url.endsWith(".bin")).length, 2);
    life.abort();
    await assert.rejects(async () => ranges.read(SHARD_BYTES, new Uint8Array(4)), AbortError);
    if (folder.isKept && !storage.locked) assert.equal(storedFile("weights-1.bin").isOpen, false, "others may delete it now");
  });
}

test("without any storage they are read from memory", async () => {
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 4 } });
  const { ranges, folder } = await openRanges();
  assert.equal(folder.isKept, false);
  await readAt(ranges, 0, 50);
});

for (const asynchronous of [false, true]) {
  test(`a shard that is cut or deleted meanwhile is fetched once more, ${asynchronous ? "outside of" : "in"} a worker`, async () => {
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 4, storage } });
    storage.asynchronous = asynchronous;
    const { ranges } = await openRanges();
    const count = (): number => server.requests.filter(({ url }) => url.endsWith("weights-1.bin")).length;
    const cut = (): void => { storedFile("weights-1.bin").bytes = new Uint8Array(10); };
    cut();
    await Promise.all([readAt(ranges, 500, 8), readAt(ranges, 600, 8), readAt(ranges, 0, 40)]);
    await readAt(ranges, 700, 100);
    assert.equal(count(), 2);
    server.files.delete(`${BASE}weights-1.bin`);
    cut();
    await assert.rejects(async () => ranges.read(SHARD_BYTES + 500, new Uint8Array(8)), fails(DownloadError, /weights-1.bin.* is cut or gone .*ends 8 bytes too early.*ask again.* is missing on the server/));
    await readAt(ranges, 0, 8);
    deploy(server, manifestObject());
    await readAt(ranges, 500, 8);
  });
}

// Two stored weights, of rows of 8 and 4 bytes for 50 tokens.
const STORED = [{ name: "table.q", bytes: 400, row_bytes: 8, io: "rows0" }, { name: "table.s", bytes: 200, row_bytes: 4, io: "rows1" }];

function planWithRows(stored: unknown = STORED): Record<string, unknown> {
  const plan = fakePlan();
  const io = [plan["io"]].flat();
  return { ...plan, stored, io: [...io, { name: "rows0", bytes: 64 }, { name: "rows1", bytes: 32 }] };
}

test("a plan's stored weights are bounded, and the manifest has them behind all others", () => {
  const { stored, weights } = parsePlan(planWithRows(), FAKE_WGSL);
  assert.deepEqual(stored, STORED.map(({ row_bytes: rowBytes, ...weight }) => ({ ...weight, rowBytes })));
  const [first] = STORED;
  for (const wrong of [{ row_bytes: 6 }, { row_bytes: 1 << 21 }, { bytes: 392 }, { io: "rows1" }, { io: "none" }, { name: 5 }]) {
    assert.throws(() => parsePlan(planWithRows([{ ...first, ...wrong }]), FAKE_WGSL), ManifestError, JSON.stringify(wrong));
  }
  assert.throws(() => parsePlan(planWithRows([first, first]), FAKE_WGSL), fails(ManifestError, /have one io buffer/));
  const tensors = [["a", 1024], ["b", 512], ["table.q", 400], ["table.s", 200]].map(([name, bytes], i) => ({ name: String(name), dtype: "uint32", shape: [1], offset: 2048 * i, bytes: Number(bytes) }));
  matchTensors(tensors, { weights, stored });
  assert.throws(() => matchTensors(tensors.slice(0, 3), { weights, stored }), fails(ManifestError, /table\.s/));
  assert.equal(storedFrom({ weights, stored }, tensors), 4096);
  assert.equal(storedFrom({ weights, stored: [] }, tensors), Infinity);
});

/** A stream whose byte i is i; it counts reads, and may be slow. */
class Stream {
  reads: number[] = [];
  delay: (() => Promise<void>) | null = null;

  read(offset: number, into: Uint8Array<ArrayBuffer>): Promise<void> | void {
    this.reads.push(offset);
    for (let i = 0; i < into.length; i++) into[i] = (offset + i) & 255;
    return this.delay?.();
  }
}

function readerOf(stream: Stream): RowReader {
  const { stored } = parsePlan(planWithRows(), FAKE_WGSL);
  return new RowReader(stored, [{ ...tensor("table.q", 1024, 400) }, { ...tensor("table.s", 2048, 200) }].map((entry, i) => ({ name: "", dtype: "", shape: [], bytes: 0, ...entry, offset: 1024 * (i + 1) })), stream);
}

test("each row is read once, in the order of the files, and lies where its token does", async () => {
  const stream = new Stream();
  const reader = readerOf(stream);
  const [q, s] = await reader.read([7, 3, undefined, 7]);
  assert.deepEqual([q?.io, s?.io], ["rows0", "rows1"]);
  const rowAt = (at: number, length: number): number[] => Array.from({ length }, (_, i) => (at + i) & 255);
  assert.deepEqual([...q?.bytes ?? []], [...rowAt(1024 + 56, 8), ...rowAt(1024 + 24, 8), ...new Array<number>(8).fill(0), ...rowAt(1024 + 56, 8)]);
  assert.deepEqual([...s?.bytes ?? []].slice(0, 8), [...rowAt(2048 + 28, 4), ...rowAt(2048 + 12, 4)]);
  assert.deepEqual(stream.reads, [1024 + 24, 2048 + 12, 1024 + 56, 2048 + 28]);
  await reader.read([3, 7]);
  assert.equal(stream.reads.length, 4, "they are remembered");
  const [edge] = await reader.read([5000]);
  assert.deepEqual([...edge?.bytes ?? []], rowAt(1024 + 49 * 8, 8), "an id beyond the table is the nearest row's");
});

test("calls keep their order, whichever rows come first, and one whose rows cannot be read fails alone", async () => {
  const stream = new Stream();
  const reader = readerOf(stream);
  const order: string[] = [];
  stream.delay = () => new Promise((resolve) => { setTimeout(resolve, 20); });
  const slow = reader.inTurn([1], async () => order.push("slow"));
  stream.delay = () => Promise.reject(new DownloadError("gone"));
  const broken = reader.inTurn([2], async () => order.push("broken"));
  stream.delay = null;
  const quick = reader.inTurn([3], async () => order.push("quick"));
  await assert.rejects(broken, fails(DownloadError, /gone/));
  await Promise.all([slow, quick]);
  assert.deepEqual(order, ["slow", "quick"]);
  await reader.inTurn([2], async () => order.push("mended"));
  assert.equal(order.at(-1), "mended");
});

async function executorOn(gpu: FakeGpu, stream: Stream): Promise<PlanExecutor> {
  const plan = parsePlan(planWithRows(), FAKE_WGSL);
  const variant = plan.variants[1] ?? assert.fail();
  const buffers = await BufferTable.create(gpu.device, plan, variant, [2], await allocateWeights(gpu.device, plan));
  const kernels = (await compileKernels(gpu.device, plan, variant, [[0], [0], [0], []], () => undefined)).map(([only]) => only);
  return new PlanExecutor({
    device: gpu.device, watch: new DeviceWatch(gpu.device), library: { plan, launch: fakeLaunch }, variant, buffers, kernels, usualTiles: [0, 0, 0, 0],
    contextLength: 128, isCpu: false, rows: readerOf(stream),
  });
}

test("a step's rows are on the GPU before it is submitted, and it makes no GPU object", async () => {
  const [gpu, stream] = [new FakeGpu(), new Stream()];
  const executor = await executorOn(gpu, stream);
  assert.equal(executor.shape.needsTokens, true);
  const cache: CacheView = { tables: [Int32Array.of(0)], copies: new Int32Array() };
  const sampling = new Uint32Array(16);
  gpu.log.created.length = gpu.log.commands.length = 0;
  stream.delay = () => new Promise((resolve) => { setTimeout(resolve, 5); });
  const prefill = executor.prefillAndSample([4, 9], 0, cache, { sampling });
  stream.delay = null;
  const decode = executor.decode([{ position: 2, cache, sampling, token: 6 }]);
  await Promise.all([prefill, decode]);
  const [first, second, ...more] = gpu.log.commands.join("\n").split(/submit 1/);
  assert.match(first ?? "", /write tokens\nwrite rows0\nwrite rows1\n.*embed\(tokens.* 1x2x2/s);
  assert.match(second ?? "", /write tokens\nwrite rows0\nwrite rows1\n.*embed\(tokens.* 1x1x3/s);
  assert.deepEqual(more, [""]);
  assert.deepEqual(gpu.log.created, ["encoder", "encoder"]);
  assert.deepEqual([...gpu.named("rows0").bytes.subarray(0, 4)], [48, 49, 50, 51], "of token 6");
});

test("where rows are read by the CPU, a step waits until its token is read; guesses go ahead all the same", async () => {
  const it = setup({ needsTokens: true, rows: 4 });
  const prompts = [promptOf(12, 3), promptOf(3, 1), promptOf(7, 2)];
  const answers = await Promise.all(prompts.map((prompt) => generate(it, request(prompt, { maxTokens: 10 }))));
  assert.deepEqual(answers.map(({ ids }) => ids), prompts.map((prompt) => reference(prompt, 10, new Set())));
  const alone = setup({ needsTokens: true });
  await generate(alone, request(promptOf(3, 1), { maxTokens: 10 }));
  assert.equal(alone.runner.deepestPipeline, 1);
  const guessing = setup({ needsTokens: true });
  const drafts = [new Oracle(() => false)];
  assert.deepEqual((await generate(guessing, request(promptOf(3, 1), { maxTokens: 20, drafts }))).ids, reference(promptOf(3, 1), 20, new Set()));
  assert.ok(guessing.runner.calls.includes("decode 8"), guessing.runner.calls.join());
});
