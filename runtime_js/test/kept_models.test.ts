import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { deleteKept, keptModels, type KeptModel } from "../src/storage/kept_models.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { ModelStore } from "../src/storage/store.ts";
import { bringToStorage } from "../src/storage/verified.ts";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { BASE, LIBRARY, SHARDS, TOKENIZER, bytesOf, deploy, entry, manifestObject, sha256 } from "./fakes/model.ts";
import { FakeServer, FakeStorage, cut } from "./fakes/web.ts";

const NEVER = new AbortController().signal;
const ELSEWHERE = "https://site.example/other/model/";
let server = new FakeServer();
let storage = new FakeStorage();

beforeEach(() => {
  server = new FakeServer();
  storage = new FakeStorage();
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 4, storage } });
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch });
});

async function load(manifest: string): Promise<void> {
  const folder = await ModelFolder.open({ manifest }, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  await folder.readJson(folder.manifest.tokenizer, NEVER);
  await folder.readShards(NEVER, () => undefined, async () => undefined);
  await folder.noteUse();
}

function called(id: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...manifestObject(), ...changes, model: { ...Object(manifestObject()["model"]), id, name: `Model ${id}` } };
}

const shown = (models: readonly KeptModel[]): unknown[] => models.map(({ folder, name, isWhole }) => [folder, name, isWhole]);
const sizeOf = async (id: string): Promise<number | undefined> => (await keptModels()).find(({ name }) => name === `Model ${id}`)?.bytes;
const COMMON = SHARD_BYTES + 1024 + TOKENIZER.length;

test("nothing is kept at first, and nothing is made by looking", async () => {
  assert.deepEqual(await keptModels(), []);
  assert.equal(storage.folders.size, 0);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });
  assert.deepEqual(await keptModels(), []);
});

test("models of one folder are told apart, and take their own files and those that they share", async () => {
  const other = bytesOf(500, 9);
  const first = deploy(server, called("a")), second = deploy(server, called("b", { library: entry("other.wasm", other) }));
  server.files.set(`${BASE}other.wasm`, other);
  await load(first);
  const alone = await sizeOf("a") ?? 0;
  assert.ok(alone > COMMON + LIBRARY.length && alone < COMMON + LIBRARY.length + 3000, "and its manifest and note");
  await load(second);
  assert.deepEqual(shown(await keptModels()), [[BASE, "Model b", true], [BASE, "Model a", true]], "the one that was used last comes first");
  const [latest] = await keptModels();
  assert.ok(latest !== undefined && await deleteKept(latest));
  assert.deepEqual(shown(await keptModels()), [[BASE, "Model a", true]]);
  assert.equal(await sizeOf("a"), alone);
});

test("what other sites of the origin keep is seen and deleted too, also parts and what nobody names", async () => {
  const manifest = deploy(server, called("a"));
  const store = await ModelStore.open(`${ELSEWHERE}manifest.json`);
  const file = { file: "weights-0.bin", bytes: SHARD_BYTES, sha256: sha256(SHARDS[0] ?? LIBRARY) };
  const tab = new AbortController();
  server.answers.set(`${BASE}weights-0.bin`, [cut(5000, "silence")]);
  await assert.rejects(bringToStorage(store, file, [`${BASE}weights-0.bin`], { signal: tab.signal, onProgress: () => tab.abort() }));
  storage.folders.set("journals", new Map());
  storage.folders.set("..%2F", new Map());
  assert.deepEqual(shown(await keptModels()), [[ELSEWHERE, "", false]]);
  const [part] = await keptModels();
  assert.equal(part?.bytes, 5000);
  const stopped = new AbortController();
  server.answers.set(`${BASE}weights-0.bin`, [cut(7000, "silence")]);
  const folder = await ModelFolder.open({ manifest }, stopped.signal);
  await assert.rejects(folder.readShards(stopped.signal, (_, bytes) => { if (bytes === 7000) stopped.abort(); }, async () => undefined));
  const models = await keptModels();
  assert.deepEqual(new Set(shown(models).map(String)), new Set([String([BASE, "Model a", false]), String([ELSEWHERE, "", false])]));
  for (const model of models) assert.equal(await deleteKept(model), true);
  assert.deepEqual([...storage.folders.keys()], ["journals", "..%2F"], "what is no model's stays");
});

test("an older build of a model is one with it", async () => {
  await load(deploy(server, called("a")));
  await load(deploy(server, called("a", { eos_token_ids: [3] })));
  assert.deepEqual(shown(await keptModels()), [[BASE, "Model a", true]]);
});

test("what another page has open is not deleted, which is said", async () => {
  await load(deploy(server, called("a")));
  const [model] = await keptModels();
  assert.ok(model);
  const file = storage.folders.get(encodeURIComponent(BASE))?.get("weights-0.bin");
  const handle = await file?.createSyncAccessHandle();
  assert.ok(handle);
  assert.equal(await deleteKept(model), false);
  file?.release();
  const [left] = await keptModels();
  assert.ok(left);
  assert.equal(await deleteKept(left), true);
  assert.deepEqual(await keptModels(), []);
});
