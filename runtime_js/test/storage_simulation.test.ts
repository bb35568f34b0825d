// A visit that ends at any moment, or whose disk is full at any write: the next one finds each file whole or not at all, and goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { FakeLocks, FakeServer, FakeStorage } from "./fakes/web.ts";
import { BASE, GRAMMAR, LIBRARY, SHARDS, TOKENIZER, deploy, entry, manifestObject, tensor } from "./fakes/model.ts";

const SHARD = SHARDS[1] ?? assert.fail();
const MANIFEST = {
  ...manifestObject(), tensors: [tensor("a", 0, 16)],
  weights: { bytes: SHARD.length, shards: [entry("weights-0.bin", SHARD)] },
};
const URL_OF_MANIFEST = deploy(new FakeServer(), MANIFEST);
const WHOLE = new Map([
  [URL_OF_MANIFEST.slice(BASE.length), new TextEncoder().encode(JSON.stringify(MANIFEST))],
  ["model.wasm", LIBRARY], ["tokenizer.json", TOKENIZER], ["grammar.wasm", GRAMMAR], ["weights-0.bin", SHARD],
]);
const NOTE = JSON.stringify([1, 2, 3]);

/** As much of a visit as there is before it ends. */
async function visit(storage: FakeStorage, server: FakeServer): Promise<ModelFolder> {
  for (const [name, bytes] of WHOLE) server.files.set(BASE + name, bytes);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 2, storage, locks: new FakeLocks() } });
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, location: { href: "https://site.example/sub/" } });
  const { signal } = new AbortController();
  const folder = await ModelFolder.open({ manifest: URL_OF_MANIFEST }, signal);
  const { library, tokenizer, grammar } = folder.manifest;
  for (const [file, bytes] of [[library, LIBRARY], [tokenizer, TOKENIZER], [grammar, GRAMMAR]] as const) {
    if (file !== undefined) assert.deepEqual(await folder.read(file, signal), bytes);
  }
  await folder.readShards(signal, () => undefined, async (_, bytes) => assert.deepEqual(bytes, SHARD));
  const note = await folder.note("tiles");
  assert.ok(NOTE.startsWith(note ?? ""), "what was cut off is no JSON, which whoever reads it knows");
  await folder.keepNote("tiles", NOTE);
  return folder;
}

/** Each file that has its name is whole; nobody has one open. */
function checkStored(storage: FakeStorage): void {
  for (const [name, file] of storage.folders.get(encodeURIComponent(BASE)) ?? []) {
    const whole = WHOLE.get(name);
    if (whole !== undefined && file.bytes.length === whole.length) assert.deepEqual(file.bytes, whole, `${name} has its size, and not its bytes`);
    file.release();
  }
}

async function checkNextVisits(storage: FakeStorage, what: string): Promise<void> {
  const server = new FakeServer();
  const { warning } = await visit(storage, server);
  assert.equal(warning, undefined, what);
  const again = new FakeServer();
  await visit(storage, again);
  assert.deepEqual(again.requests.map(({ url }) => url), [], `${what}: all is stored`);
  const names = [...storage.folders.get(encodeURIComponent(BASE))?.keys() ?? []];
  assert.deepEqual(names.filter((name) => name.endsWith(".part")), [], `${what}: no draft is left`);
}

const KINDS: Readonly<Record<string, (storage: FakeStorage) => void>> = {
  "files move": () => undefined,
  "files are not moved": (storage) => { storage.movable = "refused"; },
  "files are written asynchronously": (storage) => { storage.asynchronous = true; },
};

for (const [kind, prepare] of Object.entries(KINDS)) {
  test(`a visit ends at any moment, and the next one finds all or nothing of each file: ${kind}`, async () => {
    for (let end = 0, isOver = false; !isOver; end++) {
      const storage = new FakeStorage();
      prepare(storage);
      const server = new FakeServer();
      let [steps, ended] = [0, (): void => undefined];
      const isEnded = new Promise<void>((resolve) => { ended = resolve; });
      /** The moment has come: nothing of the visit goes on. */
      const isLast = (): boolean => {
        if (steps++ < end) return false;
        ended();
        return true;
      };
      storage.step = () => (isLast() ? new Promise(() => undefined) : Promise.resolve());
      storage.writing = (bytes) => (isLast() ? bytes.subarray(0, bytes.length >> 1) : bytes);
      const { fetch } = server;
      const gated = Object.assign(server, { fetch: (...given: Parameters<typeof fetch>) => (isLast() ? new Promise<Response>(() => undefined) : fetch(...given)) });
      isOver = await Promise.race([visit(storage, gated).then(() => true), isEnded.then(() => false)]);
      await new Promise((resolve) => { setImmediate(resolve); });
      [storage.step, storage.writing] = [() => Promise.resolve(), (bytes) => bytes];
      checkStored(storage);
      await checkNextVisits(storage, `ended at step ${end}`);
      assert.ok(end < 1000);
    }
  });

  test(`a disk that is full at any write costs the visit nothing, and the next one goes on: ${kind}`, async () => {
    for (let full = 0, isOver = false; !isOver; full++) {
      const storage = new FakeStorage();
      prepare(storage);
      let writes = 0;
      storage.writing = (bytes) => {
        if (bytes.length > 0 && writes++ === full) throw new DOMException("full", "QuotaExceededError");
        return bytes;
      };
      const { warning } = await visit(storage, new FakeServer());
      isOver = writes <= full;
      assert.equal(warning === undefined, isOver, `full at write ${full}`);
      storage.writing = (bytes) => bytes;
      checkStored(storage);
      await checkNextVisits(storage, `full at write ${full}`);
    }
  });
}
