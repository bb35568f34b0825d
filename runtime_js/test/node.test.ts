/** Outside of browsers: models from folders, a cache on disk, threads; on the real file system, network and threads of this machine. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, createServer as createNetServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import { hasModelInCache } from "../src/api/cache.ts";
import { chooseModels, resolveModel } from "../src/api/config.ts";
import { DiskFile, DiskFolder, releaseLocks } from "../src/node/files.ts";
import { startEngine } from "../src/node/threads.ts";
import "../src/node/platform.ts";
import { Journal, deleteJournal, listJournals } from "../src/storage/journal.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import type { ModelSource } from "../src/storage/source.ts";
import { deleteStored, isStored } from "../src/storage/stored.ts";
import { DownloadError, IntegrityError, ModelNotFoundError } from "../src/support/errors.ts";
import { startThread } from "../src/support/thread.ts";
import { soon } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { randomFrom } from "./fakes/random.ts";
import { GRAMMAR, LIBRARY, SHARDS, TOKENIZER, manifestObject, sha256 } from "./fakes/model.ts";

const NEVER = new AbortController().signal;
const MANIFEST = new TextEncoder().encode(JSON.stringify(manifestObject()));
const NAME = `manifest.${sha256(MANIFEST).slice(0, 32)}.json`;

const root = mkdtempSync(join(tmpdir(), "webllm-node-"));
after(() => rmSync(root, { recursive: true, force: true }));
let [model, cache, count] = ["", "", 0];

beforeEach(() => {
  count++;
  model = join(root, `site ${count}`, "model"); // a space, which URLs write in another way
  cache = process.env["WEBLLM_BUILD_CACHE"] = join(root, `cache-${count}`);
  mkdirSync(model, { recursive: true });
  writeFileSync(join(model, NAME), MANIFEST);
  const files = { "model.wasm": LIBRARY, "tokenizer.json": TOKENIZER, "grammar.wasm": GRAMMAR };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(model, name), bytes);
  SHARDS.forEach((shard, i) => writeFileSync(join(model, `weights-${i}.bin`), shard));
});

async function readAll(source: ModelSource): Promise<Uint8Array> {
  const folder = await ModelFolder.open(source, NEVER);
  const weights = new Uint8Array(folder.manifest.weights.bytes);
  await folder.readShards(NEVER, () => undefined, async (offset, bytes) => weights.set(bytes, offset));
  assert.deepEqual(await folder.read(folder.manifest.library, NEVER), LIBRARY);
  assert.deepEqual(await folder.readJson(folder.manifest.tokenizer, NEVER), { model: {} });
  assert.equal(folder.warning, undefined);
  return weights;
}

const WEIGHTS = new Uint8Array(Buffer.concat(SHARDS));

test("of several models each may be on a device of its own", () => {
  const choices = chooseModels([model, join(model, "..")], [{}, { device: "cpu" }], undefined, { device: "auto" });
  assert.deepEqual(choices.map(({ device }) => device), ["auto", "cpu"]);
});

test("a model is named by its folder, the site's or the package's around it, or its manifest, as a path or a URL", () => {
  const manifest = pathToFileURL(join(model, NAME)).href;
  const site = join(model, "..");
  for (const given of [model, site, join(model, NAME), manifest, pathToFileURL(site).href, `${pathToFileURL(model).href}/`]) {
    assert.deepEqual(resolveModel(given, undefined), { model_id: given, manifest }, given);
  }
  mkdirSync(join(site, "weights"));
  assert.equal(resolveModel(site, undefined).weights, undefined, "there are weights beside the manifest");
  SHARDS.forEach((_, i) => rmSync(join(model, `weights-${i}.bin`)));
  for (const named of [site, join(model, NAME)]) assert.equal(resolveModel(named, undefined).weights, `${pathToFileURL(join(site, "weights")).href}/`);
  const address = "https://site.example/model/manifest.json";
  assert.deepEqual(resolveModel(address, undefined), { model_id: address, manifest: address });
  for (const wrong of [join(root, "none"), root, "./none.json", "nobody"]) assert.throws(() => resolveModel(wrong, undefined), ModelNotFoundError);
  writeFileSync(join(model, "manifest.0123456789abcdef.json"), "{}");
  assert.throws(() => resolveModel(model, undefined), fails(ModelNotFoundError, /several manifests/));
});

test("a package's JSON files, which are called texts, are found in its folder", async () => {
  for (const name of [NAME, "tokenizer.json"]) renameSync(join(model, name), join(model, `${name}.txt`));
  for (const named of [join(model, ".."), join(model, `${NAME}.txt`)]) {
    const { model_id: _, ...source } = resolveModel(named, undefined);
    assert.deepEqual(await readAll(source), WEIGHTS);
  }
});

test("files of this machine are read where they are, verified, and kept nowhere else", async () => {
  const { model_id: _, ...source } = resolveModel(model, undefined);
  assert.deepEqual(await readAll(source), WEIGHTS);
  assert.equal(existsSync(cache), false);
  assert.equal(await hasModelInCache(model), true);
  writeFileSync(join(model, "weights-1.bin"), new Uint8Array(1024));
  await assert.rejects(readAll(source), fails(IntegrityError, /weights-1.bin is corrupted/));
  writeFileSync(join(model, "weights-1.bin"), new Uint8Array(1000));
  await assert.rejects(readAll(source), fails(IntegrityError, /has 1000 bytes, not 1024/));
  rmSync(join(model, "weights-1.bin"));
  await assert.rejects(readAll(source), fails(DownloadError, /weights-1.bin is not there/));
  writeFileSync(join(model, NAME), "{}");
  await assert.rejects(readAll(source), fails(IntegrityError, /not the manifest that was asked for/));
});

/** Serves the model. What `cut` says breaks off after so many bytes. */
async function serve(requests: string[], cuts: Map<string, number>): Promise<{ server: Server; source: ModelSource }> {
  const server = createServer((request, response) => {
    const name = request.url?.split("/").at(-1) ?? "";
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    requests.push(from > 0 ? `${name} from ${from}` : name);
    const bytes = readFileSync(join(model, name));
    const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { etag: `"${name}"`, "content-length": bytes.length - from, ...range });
    const end = cuts.get(name);
    if (end === undefined) response.end(bytes.subarray(from));
    else response.write(bytes.subarray(from, end), () => response.destroy());
  });
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { server, source: { manifest: `http://127.0.0.1:${address.port}/model/${NAME}` } };
}

test("a file is one engine's until it is closed, or that engine's thread has ended; one that was deleted meanwhile is none", async () => {
  const folder = new DiskFolder(join(cache, "journals"));
  await folder.getFileHandle("a", { create: true });
  const handle = new DiskFile(join(cache, "journals", "a"));
  const refused = { name: "NoModificationAllowedError" };
  const file = await handle.createSyncAccessHandle();
  await assert.rejects(handle.createSyncAccessHandle(), refused);
  releaseLocks("another");
  await assert.rejects(handle.createSyncAccessHandle(), refused);
  file.close();
  writeFileSync(join(cache, "journals", "a.lock"), `${process.pid} another`);
  await assert.rejects(folder.removeEntry("a"), refused);
  releaseLocks("another");
  (await handle.createSyncAccessHandle()).close();
  await folder.removeEntry("a");
  await assert.rejects(handle.createSyncAccessHandle(), { name: "NotFoundError" });
  assert.deepEqual(readdirSync(join(cache, "journals")), []);
});

test("what comes over the network is kept, and a download goes on where another process broke off", async () => {
  const [requests, cuts]: [string[], Map<string, number>] = [[], new Map([["weights-0.bin", 3 << 20]])];
  const { server, source } = await serve(requests, cuts);
  try {
    const stop = new AbortController();
    const folder = await ModelFolder.open(source, NEVER, () => stop.abort()); // it would try again
    await assert.rejects(folder.readShards(stop.signal, () => undefined, async () => undefined), { code: "Abort" });
    const [kept = ""] = readdirSync(cache);
    assert.ok(existsSync(join(cache, kept, "weights-0.bin.part")));
    writeFileSync(join(cache, kept, "weights-0.bin.part.lock"), "999999999"); // of a process that was killed
    assert.equal(await isStored(source), false);
    cuts.clear();
    requests.length = 0;
    assert.deepEqual(await readAll(source), WEIGHTS);
    assert.ok(requests.includes(`weights-0.bin from ${3 << 20}`), String(requests));
    assert.deepEqual(readdirSync(join(cache, kept)).filter((name) => /part|lock/.test(name)), []);
    assert.equal(await isStored(source), true);
    requests.length = 0;
    assert.deepEqual(await readAll(source), WEIGHTS);
    assert.deepEqual(requests, []);
    writeFileSync(join(cache, kept, "weights-1.bin"), new Uint8Array(1024));
    assert.deepEqual(await readAll(source), WEIGHTS);
    assert.deepEqual(requests, ["weights-1.bin"], "a spoilt copy is fetched again");
    await deleteStored(source);
    assert.deepEqual(readdirSync(cache), []);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** Ends connections to a server somewhere in what it answers, headers and all: the first of small bodies and of large ones. Some hide the length before. */
async function cutting(port: number, random: () => number, most: { small: number; large: number }): Promise<NetServer> {
  const proxy = createNetServer((client) => {
    const server = connect(port, "127.0.0.1");
    let left: number | undefined;
    client.pipe(server);
    server.on("data", (data) => {
      let told = data;
      if (left === undefined) {
        const answer = data.toString("latin1").replace(/connection: keep-alive/i, "connection: close");
        const length = Number(/content-length: (\d+)/i.exec(answer)?.[1]);
        const size = length < 10_000 ? "small" : "large";
        told = Buffer.from(most[size] % 3 === 1 ? answer.replace(/content-length: \d+\r\n/i, "") : answer, "latin1");
        left = most[size]-- > 0 ? Math.floor(random() * (size === "small" ? length : 200 + length / 4)) : Infinity;
      }
      client.write(told.subarray(0, left));
      left -= told.length;
      if (left <= 0) client.end(() => server.destroy());
    });
    for (const [one, other] of [[client, server], [server, client]] as const) one.on("error", () => undefined).on("close", () => other.destroy());
  });
  await new Promise<void>((resolve) => { proxy.listen(0, "127.0.0.1", resolve); });
  return proxy;
}

test("whatever a proxy cuts, headers or bodies, loudly or not, no visit keeps a file that is not whole, and the next goes on", async () => {
  const requests: string[] = [];
  const { server } = await serve(requests, new Map());
  const port = (of: { address: () => unknown }): number => Number(Reflect.get(Object(of.address()), "port"));
  const most = { small: 4, large: 12 };
  const proxy = await cutting(port(server), randomFrom(15), most);
  const source = { manifest: `http://127.0.0.1:${port(proxy)}/model/${NAME}` };
  const [kept, whole] = [new Map<string, Buffer>(), async (): Promise<boolean> => {
    const leaves = new AbortController(); // it would wait and try again
    const folder = await ModelFolder.open(source, leaves.signal, () => leaves.abort());
    await folder.readShards(leaves.signal, () => undefined, async () => undefined);
    await folder.read(folder.manifest.library, leaves.signal);
    await folder.readJson(folder.manifest.tokenizer, leaves.signal);
    return true;
  }];
  try {
    let visits = 1;
    while (!await whole().catch(() => false)) {
      assert.ok(visits++ < 500);
      for (const folder of existsSync(cache) ? readdirSync(cache) : []) {
        for (const name of readdirSync(join(cache, folder)).filter((each) => /^weights-\d+[.]bin$|[.]wasm$/.test(each))) {
          const bytes = readFileSync(join(cache, folder, name));
          assert.deepEqual(bytes, kept.get(name) ?? readFileSync(join(model, name)), name);
          kept.set(name, bytes);
        }
      }
    }
    assert.ok(most.small <= 0 && most.large <= 0 && requests.some((request) => / from \d+/.test(request)), String(requests));
    server.close();
    assert.deepEqual(await readAll(source), WEIGHTS);
  } finally {
    proxy.close();
    server.closeAllConnections();
  }
});

test("a file that somebody writes is not written twice, and no name leads out of its folder", async () => {
  const folder = new DiskFolder(cache);
  assert.equal(await deleteJournal(".."), false);
  assert.equal(existsSync(cache), false, "what was to be deleted makes no folder");
  const journal = await Journal.create("..", "{}");
  await assert.rejects(Journal.create("..", "{}"), { name: "NoModificationAllowedError" });
  journal?.append(7);
  journal?.close();
  assert.deepEqual((await Journal.resume(".."))?.content.tokens, [7]);
  assert.equal((await listJournals()).length, 1);
  await folder.getFileHandle("../outside", { create: true });
  assert.equal(existsSync(join(root, "outside")), false);
  await assert.rejects(folder.getFileHandle("none"), { name: "NotFoundError" });
  await assert.rejects(folder.removeEntry("journals"), { name: "InvalidModificationError" });
});

test("a thread runs a browser worker's script, shares memory, and tells when it fails", async () => {
  const thread = startThread<number>("addEventListener('message', ({ data }) => { new Int32Array(data)[0] += 2; postMessage(7); });");
  const broken = startThread("throw new Error('no')");
  assert.ok(thread !== null && broken !== null);
  const failure = new Promise<void>((resolve) => { broken.onerror = resolve; });
  const shared = new SharedArrayBuffer(4);
  const reply = new Promise<number>((resolve) => { thread.onmessage = ({ data }) => resolve(data); });
  thread.postMessage(shared);
  assert.equal(await soon(reply), 7);
  assert.equal(new Int32Array(shared)[0], 2);
  thread.terminate();
  await soon(failure);
});

test("an engine's thread ends by itself", async () => {
  const [begun, ended] = [join(root, "begun"), join(root, "ended")];
  const script = `import { writeFileSync } from "node:fs";
    import { parentPort } from "node:worker_threads";
    process.on("exit", () => writeFileSync(${JSON.stringify(ended)}, "")); // not where it is ended
    parentPort.on("message", (data) => { if (data === "end") process.exit(); });
    writeFileSync(${JSON.stringify(begun)}, "");`;
  const written = async (file: string): Promise<void> => {
    while (!existsSync(file)) await new Promise((resolve) => { setTimeout(resolve, 5); });
  };
  const engine = startEngine(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  await soon(written(begun));
  engine.terminate?.();
  await soon(written(ended));
});
