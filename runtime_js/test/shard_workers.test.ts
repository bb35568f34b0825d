// Shards that are read by workers, which may fail, say nothing, or be stopped.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { AbortError, IntegrityError, toWire } from "../src/support/errors.ts";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { noAnswer } from "../src/support/patience.ts";
import { fails } from "./fakes/expect.ts";
import { SHARDS, bytesOf, deploy, manifestObject } from "./fakes/model.ts";
import { FakeServer, FakeStorage, FakeWorker } from "./fakes/web.ts";

const NEVER = new AbortController().signal;
const RECORD = { model_id: "toy", manifest: deploy(new FakeServer(), manifestObject()) };

beforeEach(() => {
  const server = new FakeServer();
  deploy(server, manifestObject());
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 4, storage: new FakeStorage() } });
  Object.assign(globalThis, { fetch: server.fetch, location: { href: "https://site.example/sub/" } });
});

async function readShards(signal = NEVER): Promise<Map<number, Uint8Array>> {
  const folder = await ModelFolder.open(RECORD, NEVER);
  const parts = new Map<number, Uint8Array>();
  await folder.readShards(signal, () => undefined, async (offset, bytes) => { parts.set(offset, bytes.slice()); });
  return parts;
}

/** By workers that run `script`. */
async function readWithWorkers(script: typeof FakeWorker.script, signal = NEVER): Promise<Map<number, Uint8Array>> {
  FakeWorker.started.length = 0;
  FakeWorker.script = script;
  Object.assign(globalThis, { Worker: FakeWorker });
  return readShards(signal);
}

test("memory that shards were read into is let go behind the last of them", async () => {
  const [used, freed] = [new Set<ArrayBuffer>(), new Set<ArrayBuffer>()];
  const folder = await ModelFolder.open(RECORD, NEVER);
  await folder.readShards(NEVER, () => undefined, async (_, { buffer }) => {
    assert.equal(freed.size, 0);
    used.add(buffer);
    Object.assign(buffer, { transfer: (): ArrayBuffer => freed.add(buffer) && buffer }); // not every Node has it
  });
  const whole = new Set([...used].filter(({ byteLength }) => byteLength === SHARD_BYTES)); // what the last, a short one, was read into may have been too small for another
  assert.ok(whole.size > 0);
  assert.deepEqual(new Set([...freed].filter(({ byteLength }) => byteLength === SHARD_BYTES)), whole);
});

test("workers read shards and are ended; their warning is heard", async () => {
  const parts = await readWithWorkers((_, worker) => {
    worker.reply({ kind: "progress", bytes: 1 });
    worker.reply({ kind: "done", bytes: bytesOf(7, 1), warning: undefined });
  });
  assert.deepEqual([...parts.values()], [bytesOf(7, 1), bytesOf(7, 1)]);
  assert.equal(FakeWorker.started.length, 2, "no more than shards");
  assert.ok(FakeWorker.started.every((worker) => worker.terminated));
  const folder = await ModelFolder.open(RECORD, NEVER);
  FakeWorker.script = (_, worker) => worker.reply({ kind: "done", bytes: bytesOf(7, 1), warning: "full" });
  await folder.readShards(NEVER, () => undefined, async () => undefined);
  assert.equal(folder.warning, "full");
});

test("what a worker waits for is told", async () => {
  const waits: unknown[] = [];
  Object.assign(globalThis, { Worker: FakeWorker });
  FakeWorker.script = (_, worker) => {
    worker.reply({ kind: "waiting", reason: { kind: "network", text: "Waiting for the network" } });
    worker.reply({ kind: "done", bytes: bytesOf(7, 1), warning: undefined });
  };
  const folder = await ModelFolder.open(RECORD, NEVER, (reason) => waits.push(reason));
  await folder.readShards(NEVER, () => undefined, async () => undefined);
  assert.deepEqual(waits[0], { kind: "network", text: "Waiting for the network" });
});

test("a worker's error keeps its class and ends all reads", async () => {
  await assert.rejects(readWithWorkers((data, worker) => {
    if (JSON.stringify(data).includes("weights-1")) {
      worker.reply({ kind: "error", error: { code: "Integrity", message: "bad", details: {} } });
    }
  }), fails(IntegrityError, /bad/));
  assert.ok(FakeWorker.started.every((worker) => worker.terminated));
});

test("where workers do not run, this thread reads", async () => {
  const parts = await readWithWorkers((_, worker) => worker.onerror?.());
  assert.deepEqual(parts.get(SHARD_BYTES), SHARDS[1]);
  Object.assign(globalThis, { Worker: class { constructor() { throw new DOMException("policy", "SecurityError"); } } });
  assert.equal((await readShards()).size, 2);
  Object.assign(globalThis.navigator, { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0" });
  const inFirefox = await readWithWorkers(() => undefined);
  assert.deepEqual([inFirefox.get(SHARD_BYTES), FakeWorker.started.length], [SHARDS[1], 0]);
});

test("workers that say nothing, or nothing any more, are not waited for without end, slow ones are", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const silent = readWithWorkers(() => { setImmediate(() => context.mock.timers.tick(10_000)); });
  assert.deepEqual((await silent).get(SHARD_BYTES), SHARDS[1]);
  assert.ok(FakeWorker.started.every((worker) => worker.terminated));
  const slow = readWithWorkers((_, worker) => {
    worker.reply({ kind: "alive" });
    setImmediate(() => {
      for (let ticks = 0; ticks < 100; ticks++) {
        context.mock.timers.tick(5000);
        for (const one of FakeWorker.started) one.reply({ kind: "alive" });
      }
      worker.reply({ kind: "done", bytes: bytesOf(7, 1), warning: undefined });
    });
  });
  assert.deepEqual((await slow).get(SHARD_BYTES), bytesOf(7, 1));
  const ended = readWithWorkers((_, worker) => {
    worker.reply({ kind: "progress", bytes: 1 });
    setImmediate(() => context.mock.timers.tick(60_000));
  });
  assert.deepEqual((await ended).get(SHARD_BYTES), SHARDS[1]);
  const lost = readWithWorkers((_, worker) => worker.reply({ kind: "error", error: toWire(noAnswer("its storage")) }));
  assert.deepEqual((await lost).get(SHARD_BYTES), SHARDS[1], "this thread's storage may answer");
});

test("a stop ends workers in the middle of a file", async () => {
  const controller = new AbortController();
  const load = readWithWorkers(() => controller.abort(), controller.signal);
  await assert.rejects(load, AbortError);
  assert.ok(FakeWorker.started.every((worker) => worker.terminated));
});
