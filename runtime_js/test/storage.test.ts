import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { resolveModel } from "../src/api/config.ts";
import { AbortError, DownloadError, IntegrityError, ModelNotFoundError } from "../src/support/errors.ts";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { deleteModelInCache, hasModelInCache } from "../src/api/cache.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { askForPersistence } from "../src/storage/quota.ts";
import { fails } from "./fakes/expect.ts";
import { FakeServer, FakeStorage, type FakeFile } from "./fakes/web.ts";
import { BASE, LIBRARY, SHARDS, bytesOf, deploy, entry, manifestObject } from "./fakes/model.ts";
import { turns } from "./fakes/turns.ts";

const NEVER = new AbortController().signal;

const URL_OF_MANIFEST = deploy(new FakeServer(), manifestObject());
const RECORD = { model_id: "toy", manifest: URL_OF_MANIFEST };
const APP = { model_list: [RECORD] };
const MANIFEST_FILES = [URL_OF_MANIFEST.slice(BASE.length), "model.wasm", "tokenizer.json", "weights-0.bin", "weights-1.bin"];

let server = new FakeServer();
let storage = new FakeStorage();

beforeEach(() => {
  server = new FakeServer();
  storage = new FakeStorage();
  deploy(server, manifestObject());
  useStorage(storage);
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, location: { href: "https://site.example/sub/" } });
});

function useStorage(given: FakeStorage | undefined): void {
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 4, storage: given } });
}

function storedFile(name: string): FakeFile | undefined {
  return storage.folders.get(encodeURIComponent(BASE))?.get(name);
}

function names(): string[] {
  return [...storage.folders.get(encodeURIComponent(BASE))?.keys() ?? []].sort();
}

async function loadAll(): Promise<Map<number, Uint8Array>> {
  const folder = await ModelFolder.open(RECORD, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  await folder.readJson(folder.manifest.tokenizer, NEVER);
  const parts = new Map<number, Uint8Array>();
  await folder.readShards(NEVER, () => undefined, async (offset, bytes) => { parts.set(offset, bytes.slice()); });
  return parts;
}

test("a first visit downloads and stores, a second needs no network", async () => {
  assert.equal(await hasModelInCache("toy", APP), false);
  const parts = await loadAll();
  assert.deepEqual([...parts.keys()].sort((a, b) => a - b), [0, SHARD_BYTES]);
  assert.deepEqual(parts.get(SHARD_BYTES), SHARDS[1]);
  assert.equal(await hasModelInCache("toy", APP), true);
  server.files.clear();
  assert.equal((await loadAll()).size, 2);
  assert.deepEqual([...storage.folders.keys()], [encodeURIComponent(BASE)]);
  await deleteModelInCache("toy", APP);
  assert.equal(await hasModelInCache("toy", APP), false);
});

test("a model is stored where all is that one device reads", async () => {
  const cpu = { plain: entry("model-cpu.wasm", LIBRARY), relaxed: entry("model-cpu-relaxed.wasm", LIBRARY) };
  const manifest = deploy(server, { ...manifestObject(), cpu });
  server.files.set(`${BASE}model-cpu-relaxed.wasm`, LIBRARY);
  const app = { model_list: [{ model_id: "toy", manifest }] };
  const folder = await ModelFolder.open({ manifest }, NEVER);
  await folder.read(folder.manifest.tokenizer, NEVER);
  await folder.readShards(NEVER, () => undefined, async () => undefined);
  assert.equal(await hasModelInCache("toy", app), false, "there is no library");
  const relaxed = folder.manifest.cpu?.relaxed;
  assert.ok(relaxed);
  await folder.read(relaxed, NEVER);
  assert.equal(await hasModelInCache("toy", app), true, "a GPU's library is of no use here");
});

test("a note comes back for the same model library, without a network, and goes with the model", async () => {
  const name = 'tiles ["µ?#/"]';
  const open = (): Promise<ModelFolder> => ModelFolder.open(RECORD, NEVER);
  const folder = await open();
  assert.equal(await folder.note(name), null);
  await folder.keepNote(name, "[1] µ");
  assert.equal(await (await open()).note(name), "[1] µ");
  assert.equal(await folder.note("tiles"), null);
  await deleteModelInCache("toy", APP);
  storage.quotaExceeded = true;
  const another = await open();
  await another.keepNote(name, "[1]");
  assert.equal(await another.note(name), null);
});

test("progress counts each file's bytes up to its size", async () => {
  const folder = await ModelFolder.open(RECORD, NEVER);
  const seen = new Map<string, number>();
  await folder.readShards(NEVER, (file, bytes) => {
    assert.ok(bytes >= (seen.get(file.file) ?? 0));
    seen.set(file.file, bytes);
  }, async () => undefined);
  assert.deepEqual(Object.fromEntries(seen), { "weights-0.bin": SHARD_BYTES, "weights-1.bin": 1024 });
});

test("a corrupted or truncated copy in storage is replaced by a good download", async () => {
  await loadAll();
  const bad = bytesOf(1024, 2);
  bad[5] = 255 - (bad[5] ?? 0);
  for (const spoilt of [bad, bytesOf(1000, 2), bytesOf(0, 2)]) {
    const file = storedFile("weights-1.bin");
    assert.ok(file);
    file.bytes = spoilt;
    server.requests.length = 0;
    assert.deepEqual((await loadAll()).get(SHARD_BYTES), SHARDS[1]);
    assert.deepEqual(server.requests.map(({ url }) => url), [`${BASE}weights-1.bin`]);
    assert.deepEqual(storedFile("weights-1.bin")?.bytes, SHARDS[1]);
  }
});

test("outside of a dedicated worker, files are stored and read all the same", async () => {
  storage.asynchronous = true;
  await loadAll();
  server.files.clear();
  assert.deepEqual((await loadAll()).get(SHARD_BYTES), SHARDS[1]);
});

test("files that another page has open are read, and what cannot be written is not a loss", async () => {
  await loadAll();
  storage.locked = true;
  server.requests.length = 0;
  assert.equal((await loadAll()).size, 2);
  assert.deepEqual(server.requests, []);
  storage.folders.clear();
  const folder = await ModelFolder.open(RECORD, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  assert.equal(folder.warning, undefined);
});

test("a model is deleted once nobody has a file of it open, and nothing is lost where there is none", async () => {
  await loadAll();
  storage.locked = true;
  setTimeout(() => { storage.locked = false; }, 20);
  await deleteModelInCache("toy", APP);
  assert.equal(storage.folders.size, 0);
  await deleteModelInCache("toy", APP);
  useStorage(undefined);
  await deleteModelInCache("toy", APP);
});

test("what is stored here is not asked of the HTTP cache, nor left there", async () => {
  await loadAll();
  assert.deepEqual(new Set(server.requests.filter(({ url }) => url !== URL_OF_MANIFEST).map(({ cache }) => cache)), new Set(["no-store"]));
  server.requests.length = 0;
  storage.folders.clear();
  storage.quotaExceeded = true;
  await loadAll();
  assert.equal(server.requests.at(-1)?.cache, "default");
});

test("a shard that is corrupted on the server is fetched twice, refused and not stored", async () => {
  const bad = bytesOf(1024, 99);
  server.files.set(`${BASE}weights-1.bin`, bad);
  await assert.rejects(loadAll(), fails(IntegrityError, /weights-1\.bin is corrupted/));
  assert.equal(server.requests.filter((request) => request.url.endsWith("weights-1.bin")).length, 2);
  assert.equal(storedFile("weights-1.bin"), undefined);
});

test("a corrupted download that is good the second time is used", async () => {
  server.files.set(`${BASE}weights-1.bin`, bytesOf(1024, 99));
  server.onRequest = (url, count) => {
    if (url.endsWith("weights-1.bin") && count === 2) server.files.set(url, SHARDS[1] ?? bytesOf(0, 0));
  };
  assert.deepEqual((await loadAll()).get(SHARD_BYTES), SHARDS[1]);
});

test("a file that is longer than the manifest says is not read to its end", async () => {
  server.files.set(`${BASE}weights-1.bin`, bytesOf(5000, 2));
  await assert.rejects(loadAll(), /longer than the 1024 bytes expected/);
});

test("a missing file is not tried again; a busy server is", async () => {
  server.files.delete(`${BASE}weights-1.bin`);
  await assert.rejects(loadAll(), (error: unknown) =>
    error instanceof DownloadError && /weights-1\.bin is missing on the server/.test(error.message) && error.details["status"] === 404);
  assert.equal(server.requests.filter((request) => request.url.endsWith("weights-1.bin")).length, 1);
  server.files.set(`${BASE}weights-1.bin`, SHARDS[1] ?? bytesOf(0, 0));
  server.failures.set(`${BASE}weights-1.bin`, [503, "network"]);
  assert.equal((await loadAll()).size, 2);
});

test("a manifest is checked by 32 digits of its hash in its name, and not by fewer", async () => {
  const other = new TextEncoder().encode(JSON.stringify({ ...manifestObject(), eos_token_ids: [3] }));
  server.files.set(URL_OF_MANIFEST, other);
  await assert.rejects(loadAll(), fails(IntegrityError, /not the manifest that was asked for/));
  const short = `${BASE}manifest.${"0".repeat(16)}.json`;
  server.files.set(short, other);
  assert.deepEqual((await ModelFolder.open({ manifest: short }, NEVER)).manifest.eosTokenIds, [3]);
  assert.equal(await hasModelInCache(short), false, "what nobody can check is not stored");
});

test("a manifest with other bytes than its name says is refused", async () => {
  server.files.set(URL_OF_MANIFEST, new TextEncoder().encode("{}"));
  await assert.rejects(loadAll(), IntegrityError);
  server.files.set(`${BASE}manifest.json`, new TextEncoder().encode("{"));
  await assert.rejects(ModelFolder.open({ manifest: `${BASE}manifest.json` }, NEVER), /is not JSON/);
  await assert.rejects(ModelFolder.open({ ...RECORD, manifest_sha256: "00".repeat(32) }, NEVER), IntegrityError);
});

test("a manifest that came wrong is asked for once more, past the caches", async () => {
  const good = server.files.get(URL_OF_MANIFEST);
  server.files.set(URL_OF_MANIFEST, new TextEncoder().encode("{}"));
  server.onRequest = (url, count) => {
    if (good !== undefined && count === 2) server.files.set(url, good);
  };
  await ModelFolder.open(RECORD, NEVER);
  assert.deepEqual(server.requests.map(({ cache }) => cache), ["default", "reload"]);
});

test("what a stored copy or a bundler calls by a name that objects have of themselves is no URL", async () => {
  const url = deploy(server, { ...manifestObject(), tokenizer: entry("constructor", LIBRARY) });
  server.files.set(`${BASE}constructor`, LIBRARY);
  const folder = await ModelFolder.open({ manifest: url, files: {} }, NEVER);
  assert.deepEqual(await folder.read(folder.manifest.tokenizer, NEVER), LIBRARY);
});

test("without storage, and with full storage, the model loads with a warning", async () => {
  useStorage(undefined);
  assert.match((await ModelFolder.open(RECORD, NEVER)).warning ?? "", /no storage/);
  assert.equal((await loadAll()).size, 2);
  storage.quotaExceeded = true;
  useStorage(storage);
  assert.equal((await loadAll()).size, 2);
  assert.equal(await hasModelInCache("toy", APP), false);
});

test("storage that takes no more at one shard costs one warning, and what is stored stays", async () => {
  storage.largest = SHARD_BYTES - 1;
  const folder = await ModelFolder.open(RECORD, NEVER);
  let bytes = 0;
  await folder.readShards(NEVER, () => undefined, async (_, shard) => { bytes += shard.byteLength; });
  assert.equal(bytes, SHARD_BYTES + 1024);
  assert.match(folder.warning ?? "", /full or refused a file \(QuotaExceededError/);
  assert.deepEqual(names().filter((name) => name.startsWith("weights-0")), []);
});

test("a browser that refuses to say anything about its storage still loads the model", async () => {
  const refuse = (): Promise<never> => Promise.reject(new DOMException("denied", "SecurityError"));
  const value = { hardwareConcurrency: 4, storage: { getDirectory: refuse, estimate: refuse, persist: refuse } };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value });
  assert.equal((await loadAll()).size, 2);
  assert.match((await ModelFolder.open(RECORD, NEVER)).warning ?? "", /could not be opened \(SecurityError/);
  assert.equal(await hasModelInCache("toy", APP), false);
  await deleteModelInCache("toy", APP);
});

test("a thread that can only read storage says so", async () => {
  storage.readOnly = true;
  const folder = await ModelFolder.open(RECORD, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  assert.match(folder.warning ?? "", /only workers store files/);
});

test("nobody waits for an answer about persistence, nor is asked again who has answered", async () => {
  let asked = 0;
  const ask = async (isKept: boolean, permissions?: object): Promise<number> => {
    asked = 0;
    const given = { persisted: async () => isKept, persist: () => new Promise(() => { asked++; }) };
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { storage: given, permissions } });
    void askForPersistence();
    void askForPersistence(); // after another load
    await turns(2);
    return asked;
  };
  const answered = (state: string): object => ({ query: async () => ({ state }) });
  assert.equal(await ask(false), 1);
  assert.equal(await ask(true), 0);
  assert.equal(await ask(false, answered("denied")), 0);
  assert.equal(await ask(false, answered("prompt")), 1);
  assert.equal(await ask(false, { query: () => Promise.reject(new TypeError("no such name")) }), 1);
});

test("all shards are read where a browser does not tell how many threads it has", async () => {
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { storage: navigator.storage } });
  assert.equal((await loadAll()).size, 2);
});

test("only what is stored whole counts as stored, and asking makes no folder", async () => {
  assert.equal(await hasModelInCache("toy", APP), false);
  assert.equal(storage.folders.size, 0);
  await loadAll();
  assert.deepEqual(names(), [...MANIFEST_FILES].sort());
  for (const name of MANIFEST_FILES) {
    const file = storedFile(name);
    assert.ok(file);
    const whole = file.bytes;
    file.bytes = whole.slice(0, -1);
    assert.equal(await hasModelInCache("toy", APP), false, name);
    file.bytes = whole;
    assert.equal(await hasModelInCache("toy", APP), true, name);
  }
});

test("models of one folder are stored and deleted each by itself", async () => {
  const other = bytesOf(500, 9);
  server.files.set(`${BASE}other.wasm`, other);
  const url = deploy(server, { ...manifestObject(), library: entry("other.wasm", other), model: { ...Object(manifestObject()["model"]), id: "other" } });
  const app = { model_list: [RECORD, { model_id: "other", manifest: url }] };
  await loadAll();
  const folder = await ModelFolder.open({ manifest: url }, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  await folder.keepNote("tiles", "[1]");
  assert.equal(await hasModelInCache("other", app), true);
  await deleteModelInCache("toy", app);
  assert.equal(await hasModelInCache("other", app), true);
  assert.equal(await hasModelInCache("toy", app), false);
  assert.equal(await folder.note("tiles"), "[1]");
  await deleteModelInCache("other", app);
  assert.equal(storage.folders.size, 0);
});

test("a package's JSON files are called texts, and a bundler calls a manifest as it likes: models are stored and deleted as ever", async () => {
  const other = { ...manifestObject(), model: { ...Object(manifestObject()["model"]), id: "other" } };
  const bytes = new TextEncoder().encode(JSON.stringify(other));
  const source = { manifest: `${BASE}other-5b1c.txt`, manifest_sha256: createHash("sha256").update(bytes).digest("hex") };
  server.files.set(source.manifest, bytes);
  const text = `${URL_OF_MANIFEST}.txt`;
  for (const name of [URL_OF_MANIFEST, `${BASE}tokenizer.json`]) server.files.set(`${name}.txt`, server.files.get(name) ?? new Uint8Array()).delete(name);
  const folder = await ModelFolder.open({ manifest: text }, NEVER);
  await folder.readJson(folder.manifest.tokenizer, NEVER);
  await folder.read(folder.manifest.library, NEVER);
  await folder.readShards(NEVER, () => undefined, async () => undefined);
  await ModelFolder.open(source, NEVER);
  const app = { model_list: [{ model_id: "toy", manifest: text }, { model_id: "other", ...source }] };
  assert.deepEqual(await Promise.all(["toy", "other"].map((id) => hasModelInCache(id, app))), [true, true]);
  await deleteModelInCache("other", app);
  assert.equal(await hasModelInCache("toy", app), true, "what both have stays");
  await deleteModelInCache("toy", app);
  assert.equal(storage.folders.size, 0);
});

test("an older build of a model is deleted with it, and a file that is in use does not keep the others", async () => {
  await loadAll();
  const url = deploy(server, { ...manifestObject(), eos_token_ids: [2, 3] });
  await ModelFolder.open({ manifest: url }, NEVER);
  const busy = storedFile("weights-0.bin");
  assert.ok(busy);
  const open = Object(await busy.createSyncAccessHandle());
  await deleteModelInCache(url);
  assert.deepEqual(names(), ["weights-0.bin"]);
  open.close();
  await deleteModelInCache(url);
  assert.equal(storage.folders.size, 0);
});

test("a model that is deleted elsewhere during its download is stored again", async () => {
  const folder = await ModelFolder.open(RECORD, NEVER);
  const read = folder.read(folder.manifest.library, NEVER);
  storage.folders.clear();
  await read;
  await folder.read(folder.manifest.tokenizer, NEVER);
  assert.equal(folder.warning, undefined);
});

test("shards come from the base that the manifest names, a bundler's names from the record", async () => {
  const manifest = { ...manifestObject(), weights: { ...Object(manifestObject()["weights"]), places: ["https://cdn.example/w/"] } };
  const url = `${BASE}other.json`;
  server.files.set(url, new TextEncoder().encode(JSON.stringify(manifest)));
  SHARDS.forEach((shard, i) => server.files.set(`https://cdn.example/w/weights-${i}.bin`, shard).delete(`${BASE}weights-${i}.bin`));
  server.files.set("https://site.example/assets/lib-xyz.wasm", LIBRARY).delete(`${BASE}model.wasm`);
  const files = { "model.wasm": "https://site.example/assets/lib-xyz.wasm" };
  const folder = await ModelFolder.open({ manifest: url, files }, NEVER);
  assert.deepEqual(await folder.read(folder.manifest.library, NEVER), LIBRARY);
  let shards = 0;
  await folder.readShards(NEVER, () => undefined, async () => { shards++; });
  assert.equal(shards, 2);
});

test("shards come from the folder that the record names, whatever else names them", async () => {
  SHARDS.forEach((shard, i) => server.files.set(`https://cdn.example/w/weights-${i}.bin`, shard).delete(`${BASE}weights-${i}.bin`));
  const files = { "weights-0.bin": `${BASE}weights-0.bin` };
  const folder = await ModelFolder.open({ ...RECORD, files, weights: "https://cdn.example/w/" }, NEVER);
  assert.deepEqual(await folder.read(folder.manifest.library, NEVER), LIBRARY);
  let bytes = 0;
  await folder.readShards(NEVER, () => undefined, async (_, shard) => { bytes += shard.byteLength; });
  assert.equal(bytes, SHARD_BYTES + 1024);
});

test("a folder of weights is named with or without its last slash, and as a folder", () => {
  const weights = (url: string): string | undefined => resolveModel("toy", { model_list: [{ ...RECORD, weights: url }] }).weights;
  assert.equal(weights("https://cdn.example/w"), "https://cdn.example/w/");
  assert.equal(weights("weights/"), "https://site.example/sub/weights/");
  for (const url of ["https://cdn.example/w?v=1", "https://cdn.example/w#x", "javascript:alert(1)", "https://"]) {
    assert.throws(() => weights(url), fails(ModelNotFoundError, /The weights' address/));
  }
});

test("a stopped load raises AbortError and stops the other downloads", async () => {
  const controller = new AbortController();
  const folder = await ModelFolder.open(RECORD, NEVER);
  const load = folder.readShards(controller.signal, () => controller.abort(), async () => undefined);
  await assert.rejects(load, AbortError);
});
