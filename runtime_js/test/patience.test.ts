// What a browser owes and never gives: nothing of it keeps a load waiting for ever, and who keeps silent is named.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { loadModel } from "../src/engine/load.ts";
import { LoadProgress, type InitProgressReport } from "../src/engine/progress.ts";
import { requestAdapter } from "../src/executor/adapter.ts";
import { requestDevice } from "../src/executor/device.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { isStored } from "../src/storage/stored.ts";
import { NoAnswerError } from "../src/support/errors.ts";
import { TICK_MS, inTime, owed } from "../src/support/patience.ts";
import { fails } from "./fakes/expect.ts";
import { deploy, manifestObject } from "./fakes/model.ts";
import { turns } from "./fakes/turns.ts";
import { FakeLocks, FakeServer, FakeStorage } from "./fakes/web.ts";

const NEVER = new AbortController().signal;
const MINUTE_TICKS = 12;

type Work = (lock: object) => Promise<unknown>;

/** Answers nothing, ever. */
const silent = (): Promise<never> => new Promise(() => undefined);

/** Waits until what is under way has had its turns, and what other threads compute for it is done: this is computed behind that, and takes longer. */
async function others(): Promise<void> {
  for (let step = 0; step < 4; step++) {
    await turns(1);
    await crypto.subtle.digest("SHA-256", new Uint8Array(1 << 16));
  }
}

/** The outcome of `work`, for which browser time passes in ticks; and after how many it came. */
async function inTicks<T>(work: Promise<T>, most = 200): Promise<{ value: T; ticks: number }> {
  let isSettled = false;
  const settle = (): void => { isSettled = true; };
  work.then(settle, settle);
  for (let ticks = 0; ticks < most; ticks++) {
    await others();
    if (isSettled) return { value: await work, ticks };
    mock.timers.tick(TICK_MS);
  }
  throw new Error(`it waited for ${most} ticks, and still does`);
}

let server = new FakeServer();
let storage = new FakeStorage();
let manifest = "";

function use(parts: object): void {
  const value = { hardwareConcurrency: 4, storage, locks: new FakeLocks(), ...parts };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value });
}

beforeEach(() => {
  server = new FakeServer();
  storage = new FakeStorage();
  manifest = deploy(server, manifestObject());
  use({});
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, location: { href: "https://site.example/sub/" } });
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval"] });
});

async function readAll(): Promise<ModelFolder> {
  const folder = await ModelFolder.open({ manifest }, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  return folder;
}

test("what comes in time is passed on, and what does not is an error that says who kept silent", async () => {
  assert.equal((await inTicks(owed("a thing", Promise.resolve(7)))).value, 7);
  await assert.rejects(inTicks(owed("a thing", Promise.reject(new RangeError("no")))), RangeError);
  await assert.rejects(inTicks(owed("a thing", silent()), MINUTE_TICKS + 1), fails(NoAnswerError, /asked for a thing.*restart the browser/));
});

test("what came while this thread stood still is in time", async () => {
  mock.timers.reset();
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise<string>((resolve) => { port1.onmessage = ({ data }: MessageEvent<string>) => resolve(data); });
  port2.postMessage("here");
  const work = inTime(heard, 40);
  const begun = performance.now();
  while (performance.now() - begun < 100);
  assert.equal(await work, "here");
  assert.equal(await inTime(silent(), 4), undefined);
  port1.close();
});

const STORAGE: Record<string, () => void> = {
  "its folder": () => { Object.assign(storage, { getDirectory: silent }); },
  "the folder of a model": () => { Object.assign(storage, { getDirectory: async () => ({ getDirectoryHandle: silent }) }); },
  "a file's handle": () => { storage.silent = "getFileHandle"; },
  "a synchronous file": () => { storage.silent = "createSyncAccessHandle"; },
  "a renamed file": () => { storage.silent = "move"; },
  "a removed file": () => { storage.silent = "removeEntry"; },
  "the names of files": () => {
    Object.assign(storage, { silent: "keys", estimate: async () => ({ quota: 1e9, usage: 0 }) });
  },
  "the room that is left": () => { Object.assign(storage, { estimate: silent }); },
};

for (const [what, lose] of Object.entries(STORAGE)) {
  test(`storage that never gives ${what} is none: the model comes from the network, and a warning says so`, async () => {
    lose();
    const { value: folder, ticks } = await inTicks(readAll());
    if (what !== "the room that is left") assert.match(folder.warning ?? "", /does not answer/);
    assert.ok(ticks <= 3 * MINUTE_TICKS, `${ticks}`);
    assert.equal((await inTicks(isStored({ manifest }))).value, false);
  });
}

test("locks that are never given, or never given back, hold nobody up", async () => {
  use({ locks: { request: silent } });
  await inTicks(readAll());
  const late: (() => void)[] = [];
  use({ locks: { request: (_: string, __: object, work: Work) => new Promise((resolve) => { late.push(() => resolve(work({}))); }) } });
  const fetched = server.requests.length;
  storage.folders.clear();
  await inTicks(readAll());
  const asked = server.requests.length;
  assert.ok(asked > fetched);
  for (const give of late) give();
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(server.requests.length, asked, "a lock that comes too late does the work a second time");
  use({ locks: { request: async (_: string, __: object, work: Work) => work({}).then(silent) } });
  storage.folders.clear();
  assert.ok((await inTicks(readAll())).ticks < MINUTE_TICKS);
});

test("a GPU that gives no adapter, or no device, is named in an error; a device that comes too late is destroyed", async () => {
  use({ gpu: { requestAdapter: silent } });
  await assert.rejects(inTicks(requestAdapter()), fails(NoAnswerError, /an adapter of the GPU/));
  let give = (_: object): void => undefined;
  const adapter = { features: new Set(), info: {}, limits: {}, requestDevice: () => new Promise<object>((resolve) => { give = resolve; }) };
  use({ gpu: { requestAdapter: async () => adapter } });
  await assert.rejects(inTicks(requestDevice(await requestAdapter(), [], 0)), fails(NoAnswerError, /a device on the GPU/));
  let isDestroyed = false;
  give({ destroy: () => { isDestroyed = true; } });
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.ok(isDestroyed);
});

test("a load says after a tick what it waits for, and ends where the browser gives no adapter, however often it is asked", async () => {
  for (let i = 0; i < 2; i++) {
    use({ gpu: { requestAdapter: silent } });
    const reports: InitProgressReport[] = [];
    const load = loadModel({ modelId: "toy", source: { manifest } }, {
      progress: (report) => reports.push(report), lost: () => undefined, needs: () => undefined,
    }, NEVER);
    await assert.rejects(inTicks(load), fails(NoAnswerError, /an adapter of the GPU/));
    assert.equal(reports.find(({ waiting }) => waiting !== undefined)?.waiting, "Waiting for the GPU");
    const { length } = reports;
    mock.timers.tick(100 * TICK_MS);
    assert.equal(reports.length, length, "a load that has ended reports nothing");
  }
});

test("silence is said once and taken back; a GPU that says nothing for five minutes is given up, a network is not", async () => {
  const reports: InitProgressReport[] = [];
  const stalls: Error[] = [];
  const progress = new LoadProgress((report) => reports.push(report), (error) => stalls.push(error));
  progress.weightsBegin(100);
  const waits = (): (string | undefined)[] => reports.splice(0).map(({ waiting }) => waiting);
  void progress.during("the GPU", silent());
  let arrived = (): void => undefined;
  const weights = progress.during("the weights", new Promise<void>((resolve) => { arrived = resolve; }), true);
  waits();
  mock.timers.tick(100 * TICK_MS);
  assert.deepEqual([waits(), stalls.length], [["Waiting for the GPU"], 0]);
  progress.waiting({ kind: "network", text: "Waiting for the network" });
  progress.compiled(0, 2);
  mock.timers.tick(100 * TICK_MS);
  assert.deepEqual(new Set(waits()), new Set(["Waiting for the network"]));
  progress.received({ file: "w", bytes: 100, sha256: "" }, 100);
  arrived();
  await weights;
  waits();
  progress.compiled(1, 2);
  mock.timers.tick(59 * TICK_MS);
  assert.deepEqual([waits(), stalls.length], [[undefined, "Waiting for the GPU"], 0]);
  mock.timers.tick(5 * TICK_MS);
  assert.ok(stalls[0] instanceof NoAnswerError);
  assert.equal(stalls.length, 1);
  progress.close();
});
