import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { SHARD_BYTES } from "../src/support/limits.generated.ts";
import { DownloadError, IntegrityError, ManifestError } from "../src/support/errors.ts";
import { parseManifest } from "../src/storage/manifest.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { ModelStore } from "../src/storage/store.ts";
import { readVerified } from "../src/storage/verified.ts";
import { fails } from "./fakes/expect.ts";
import { BASE, SHARDS, bytesOf, deploy, entry, manifestObject, sha256, tensor } from "./fakes/model.ts";
import { FakeLocks, FakeServer, FakeStorage, cut, stream } from "./fakes/web.ts";

const MIB = 1 << 20;
const FILE = bytesOf(2 * MIB + 5, 4);
const ENTRY = { file: "weights.bin", bytes: FILE.byteLength, sha256: sha256(FILE) };
const [FIRST, SECOND] = ["https://first.example/m/weights.bin", "https://second.example/weights.bin"] as const;
const NEVER = new AbortController().signal;

/** Timers run a thousand times as fast. */
const realSetTimeout = globalThis.setTimeout;
const pauses: number[] = [];
let server = new FakeServer();
let storage = new FakeStorage();

beforeEach(() => {
  server = new FakeServer();
  storage = new FakeStorage();
  server.files.set(FIRST, FILE).set(SECOND, FILE);
  pauses.length = 0;
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { onLine: true, storage, locks: new FakeLocks(), hardwareConcurrency: 6 } });
  const setTimeout = (work: () => void, milliseconds: number): unknown => {
    if (milliseconds < 10_000) pauses.push(milliseconds);
    return realSetTimeout(work, milliseconds / 1000);
  };
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, setTimeout });
});

const hosts = (): string[] => server.requests.map(({ url }) => new URL(url).hostname.split(".")[0] ?? "");

async function read(failed: string[] = []): Promise<Uint8Array> {
  return readVerified(await ModelStore.open(`${BASE}manifest.json`), ENTRY, [FIRST, SECOND], { signal: NEVER, onFailed: (url) => failed.push(url) });
}

const page = (): Response => new Response("<!doctype html><title>Sign in</title>", { headers: { "content-type": "text/html" } });
const busy = (): Response => new Response("", { status: 429, headers: { "retry-after": "60" } });

const FAULTS: readonly (readonly [string, () => void])[] = [
  ["is down", () => server.failures.set(FIRST, Array.from({ length: 50 }, () => "network" as const))],
  ["does not have the file", () => server.files.delete(FIRST)],
  ["refuses it", () => server.failures.set(FIRST, [403])],
  ["is busy for a minute", () => server.answers.set(FIRST, [busy])],
  ["fails", () => server.failures.set(FIRST, [500, 502, 503])],
  ["says nothing", () => server.answers.set(FIRST, [cut(0, "silence")])],
  ["shows a page to sign in", () => server.answers.set(FIRST, [page])],
  ["has a pointer of Git LFS", () => server.answers.set(FIRST, [() => new Response("version https://git-lfs.github.com/spec/v1")])],
  ["has no body", () => server.answers.set(FIRST, [() => new Response(null)])],
];

for (const [fault, make] of FAULTS) {
  test(`where a place ${fault}, the next is asked at once, and that is remembered`, async () => {
    make();
    const failed: string[] = [];
    assert.deepEqual(await read(failed), FILE);
    assert.deepEqual(hosts(), ["first", "second"]);
    assert.deepEqual(failed, [FIRST]);
    assert.deepEqual(pauses, []);
  });
}

test("a place that falls silent in the middle is left, and the next goes on at the byte", async () => {
  server.answers.set(FIRST, [cut(MIB + 3, "silence")]);
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(server.requests.map(({ url, range, ifRange }) => [url, range, ifRange]), [
    [FIRST, undefined, undefined], [SECOND, `bytes=${MIB + 3}-`, undefined], // the second's version has no name yet
  ]);
});

test("a connection that breaks with bytes is no reason to leave a place", async () => {
  server.answers.set(FIRST, [cut(MIB, "break"), cut(MIB, "break")]);
  const failed: string[] = [];
  assert.deepEqual(await read(failed), FILE);
  assert.deepEqual([hosts(), failed], [["first", "first", "first"], []]);
});

test("where all places fail they are tried in turn, and each error tells of its own", async () => {
  for (const url of [FIRST, SECOND]) server.failures.set(url, Array.from({ length: 50 }, () => "network" as const));
  await assert.rejects(read(), fails(DownloadError, /second[.]example.*could not be fetched/));
  assert.deepEqual(hosts(), Array.from({ length: 6 }, () => ["first", "second"]).flat());
  assert.ok(pauses.length > 4);
  server.failures.clear();
  server.files.clear();
  await assert.rejects(read(), fails(DownloadError, /missing on the server/));
});

test("what one place has wrong, another may have right", async () => {
  server.files.set(FIRST, bytesOf(FILE.length, 99));
  const failed: string[] = [];
  assert.deepEqual(await read(failed), FILE);
  assert.deepEqual(failed, [FIRST]);
  assert.deepEqual(storage.folders.get(encodeURIComponent(BASE))?.get("weights.bin")?.bytes, FILE);
});

test("of a file whose parts came from two places, one of them wrong, each is asked for all of it", async () => {
  const wrong = ({ signal }: { signal: AbortSignal | undefined }): Response => new Response(stream(bytesOf(FILE.length - MIB, 50), signal),
    { status: 206, headers: { "content-range": `bytes ${MIB}-${FILE.length - 1}/${FILE.length}` } });
  server.answers.set(FIRST, [cut(MIB, "silence")]);
  server.answers.set(SECOND, [wrong]);
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(server.requests.map(({ url, range }) => [url, range]), [[FIRST, undefined], [SECOND, `bytes=${MIB}-`], [FIRST, undefined]]);
  server.files.set(FIRST, bytesOf(FILE.length, 98)).set(SECOND, bytesOf(FILE.length, 99));
  storage.folders.clear();
  await assert.rejects(read(), fails(IntegrityError, /corrupted/));
});

/** A model whose shards, all alike, lie beside its manifest. */
function deployShards(count: number, places: readonly string[]): string {
  const shards = Array.from({ length: count }, (_, i) => entry(`weights-${i}.bin`, SHARDS[0] ?? FILE));
  const bytes = count * SHARD_BYTES;
  const manifest = { ...manifestObject(), weights: { bytes, shards, ...(places.length > 0 && { places }) }, tensors: [tensor("a", 0, bytes)] };
  const address = deploy(server, manifest);
  for (let i = 0; i < count; i++) server.files.set(`${BASE}weights-${i}.bin`, SHARDS[0] ?? FILE);
  return address;
}

test("a model's weights come from the next place of its manifest, shard by shard", async () => {
  const manifest = deployShards(4, ["https://down.example/w/", ""]);
  const folder = await ModelFolder.open({ manifest }, NEVER);
  await folder.readShards(NEVER, () => undefined, async () => undefined);
  const asked = server.requests.map(({ url }) => url).filter((url) => url.endsWith(".bin"));
  const inVain = asked.filter((url) => url.startsWith("https://down")).length;
  assert.ok(inVain >= 1 && inVain <= 2, `asked ${inVain} times: once by each of the two that began at once`);
  assert.equal(asked.length - inVain, 4);
  assert.equal(asked.at(-1), `${BASE}weights-3.bin`);
});

for (const [how, make] of [
  ["", () => undefined], [", though nothing is stored", () => { storage.quotaExceeded = true; }], [", though storage ends in the middle", () => { storage.largest = 20 * MIB; }],
] as const) {
  test(`a download holds at most two shards in memory${how}`, async () => {
    make();
    const manifest = deployShards(5, []);
    const folder = await ModelFolder.open({ manifest }, NEVER);
    const buffers = new Set<ArrayBuffer>();
    let held = 0, most = 0, bytes = 0;
    const digest = crypto.subtle.digest.bind(crypto.subtle);
    Object.defineProperty(crypto.subtle, "digest", { configurable: true, value: async (name: string, data: Uint8Array<ArrayBuffer>) => {
      if (data.byteLength === SHARD_BYTES) buffers.add(data.buffer);
      return digest(name, data);
    } });
    try {
      await folder.readShards(NEVER, () => undefined, async (_, shard) => {
        most = Math.max(most, ++held);
        bytes += shard.byteLength;
        await new Promise((resolve) => { realSetTimeout(resolve, 1); });
        held--;
      });
    } finally {
      Reflect.deleteProperty(crypto.subtle, "digest");
    }
    assert.equal(bytes, 5 * SHARD_BYTES);
    assert.ok(most <= 2);
    assert.ok(buffers.size <= 2, `${buffers.size} buffers`);
  });
}

test("places in a manifest are addresses of folders on the network", () => {
  const withPlaces = (places: unknown): Record<string, unknown> => {
    const manifest = manifestObject();
    return { ...manifest, weights: { ...Object(manifest["weights"]), places } };
  };
  assert.deepEqual(parseManifest(manifestObject()).weights.places, [""]);
  assert.deepEqual(parseManifest(withPlaces(["", "../w/", "https://a.example/w/"])).weights.places, ["", "../w/", "https://a.example/w/"]);
  for (const places of [[], [1], ["file:///etc/"], ["https://["], ["javascript:0"], ["a".repeat(9000)], Array.from({ length: 9 }, () => ""), ""]) {
    assert.throws(() => parseManifest(withPlaces(places)), ManifestError);
  }
});
