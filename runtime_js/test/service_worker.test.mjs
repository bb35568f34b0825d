// Updates: what the service workers of one build after another keep, and for whom.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { startServiceWorker } from "../src/service-worker/service-worker.ts";
import { FakeBuilds, SCOPE } from "./fakes/builds.ts";
import { FakeStorage } from "./fakes/web.ts";

const MODEL = encodeURIComponent(`${SCOPE}model/`);

let site = new FakeBuilds();
let storage = new FakeStorage();

beforeEach(() => {
  site = new FakeBuilds();
  storage = new FakeStorage();
  Object.defineProperty(globalThis, "navigator", { value: { storage }, configurable: true });
});

const asset = (name, build) => {
  const text = `${name} of ${build}`;
  return [`assets/${name}.${createHash("sha256").update(text).digest("hex").slice(0, 16)}.js`, text];
};
const script = (build) => asset("app", build)[0];
const shells = () => [...site.caches.keys()].map((name) => name.split(" ")[1]).sort();
const models = () => [...storage.folders.get(MODEL)?.keys() ?? []].sort();

/** The server has this build, and nothing of another; the browser has installed it. */
async function deploy(build) {
  site.server.clear();
  site.server.set(SCOPE, `page of ${build}`);
  site.server.set(`${SCOPE}sw.js`, `worker of ${build}`);
  for (const name of ["app", "late"]) site.server.set(SCOPE + asset(name, build)[0], asset(name, build)[1]);
  site.run(build, () => startServiceWorker({
    version: build, shell: ["./", asset("app", build)[0], asset("late", build)[0]], words: {}, bench: "bench.html", threads: false, endpoint: false,
    model: { folder: "model/", files: [`weights-${build}.bin`] },
  }));
  await site.install(build);
}

/** A page of a build, open and with its model loaded. */
async function open(build, worker = build) {
  const [window, page] = await site.navigate(worker);
  assert.equal(page, `page of ${build}`);
  window.become("open");
  await load(build, worker);
  return window;
}

async function load(build, worker = build) {
  assert.deepEqual(await site.ask(worker, script(build)), [200, `app of ${build}`]);
  const folder = await (await (await storage.getDirectory()).getDirectoryHandle("webllm-build", { create: true })).getDirectoryHandle(MODEL, { create: true });
  await folder.getFileHandle(`weights-${build}.bin`, { create: true });
  await site.rest();
}

async function first(build) {
  await deploy(build);
  await site.activate(build);
}

test("a page that is on its way while a newer build takes over keeps its files", async () => {
  await first("one");
  const reloading = await open("one");
  const [coming] = await site.navigate("one");
  await deploy("two");
  await site.activate("two");
  reloading.become("closed");
  coming.become("open");
  await load("one", "two");
  assert.deepEqual(await site.ask("two", asset("late", "one")[0]), [200, "late of one"]);
  assert.deepEqual([shells(), models()], [["one", "two"], ["weights-one.bin"]]);
});

test("a newer page waits for one of an older build that is on its way, and takes its place when it is closed", async () => {
  await first("one");
  const [coming] = await site.navigate("one");
  await deploy("two");
  await site.activate("two");
  const [newer] = await site.navigate("two");
  newer.become("open");
  assert.deepEqual(await site.ask("two", script("two")), [200, "app of two"]);
  coming.become("open");
  await site.rest();
  await load("one", "two");
  assert.deepEqual([shells(), models()], [["one", "two"], ["weights-one.bin"]]);
  coming.become("closed");
  await load("two");
  assert.deepEqual([shells(), models()], [["two"], ["weights-two.bin"]]);
});

test("nothing is deleted as a build takes over, but when a page of it is open and no other", async () => {
  await first("one");
  const older = await open("one");
  older.become("closed");
  await deploy("two");
  await site.activate("two");
  assert.deepEqual([shells(), models()], [["one", "two"], ["weights-one.bin"]]);
  await open("two");
  assert.deepEqual([shells(), models()], [["two"], ["weights-two.bin"]]);
});

test("a page that came from the network may be of any build", async () => {
  await first("one");
  await load("one");
  const unknown = site.openUnseen(`${SCOPE}index.html?chat=3`);
  await deploy("two");
  await site.activate("two");
  const newer = await open("two");
  assert.deepEqual(shells(), ["one", "two"]);
  assert.deepEqual(await site.ask("two", asset("late", "one")[0]), [200, "late of one"]);
  unknown.become("closed");
  newer.become("closed");
  await open("two");
  assert.deepEqual([shells(), models()], [["two"], ["weights-two.bin"]]);
});

test("on a first visit nothing of its model is deleted, whatever build the page is of", async () => {
  site.openUnseen();
  const folder = await (await (await storage.getDirectory()).getDirectoryHandle("webllm-build", { create: true })).getDirectoryHandle(MODEL, { create: true });
  await folder.getFileHandle("weights-cached-page.bin", { create: true });
  await first("one");
  await site.ask("one", script("one"));
  await site.rest();
  assert.deepEqual(models(), ["weights-cached-page.bin"]);
});

test("pages of sites and documents below are none of this one's", async () => {
  await first("one");
  site.openUnseen(`${SCOPE}nested/`);
  site.openUnseen(`${SCOPE}licenses.txt`);
  await deploy("two");
  await site.activate("two");
  await open("two");
  assert.deepEqual(shells(), ["two"]);
});

test("of three builds each page keeps its own", async () => {
  await first("one");
  const pages = [await open("one")];
  for (const build of ["two", "three"]) {
    await deploy(build);
    await site.activate(build);
    pages.push(await open(build));
  }
  for (const build of ["one", "two", "three"]) assert.deepEqual(await site.ask("three", asset("late", build)[0]), [200, `late of ${build}`]);
  pages[0].become("closed");
  await site.ask("three", script("three"));
  await site.rest();
  assert.deepEqual(shells(), ["one", "three", "two"], "all of them, or none: models are shared");
  pages[1].become("closed");
  await site.ask("three", script("three"));
  await site.rest();
  assert.deepEqual([shells(), models()], [["three"], ["weights-three.bin"]]);
});

test("a build that waits is not taken for an older one", async () => {
  await first("one");
  const unknown = site.openUnseen();
  await open("one");
  await deploy("two");
  unknown.become("closed");
  await load("one");
  assert.deepEqual(shells(), ["one", "two"]);
  await site.activate("two");
  await open("two");
  assert.deepEqual(shells(), ["one", "two"], "a page of the first is open");
});

test("a build that comes back deletes what came between", async () => {
  await first("one");
  const page = await open("one");
  for (const build of ["two", "one"]) {
    await deploy(build);
    await site.activate(build);
  }
  assert.deepEqual(shells(), ["one", "two"]);
  page.become("closed");
  await open("one");
  assert.deepEqual(shells(), ["one"]);
});

test("pages that are closed are forgotten", async () => {
  await first("one");
  for (let visit = 0; visit < 5; visit++) (await open("one")).become("closed");
  const [newest] = await site.navigate("one");
  await site.rest();
  const [cache] = site.caches.values();
  assert.deepEqual([...cache.entries.keys()].filter((url) => url.includes("?page=")), [`${SCOPE}?page=${newest.id}`]);
});

test("a file that the browser lost is fetched again; where it is gone, the next page comes from the network", async () => {
  await first("one");
  const [cache] = site.caches.values();
  const lost = SCOPE + script("one");
  cache.entries.delete(lost);
  assert.deepEqual(await site.ask("one", script("one")), [200, "app of one"]);
  assert(cache.entries.has(lost));
  cache.entries.delete(lost);
  site.server.delete(lost);
  await assert.rejects(site.ask("one", script("one")));
  site.server.set(SCOPE, "page of two");
  const [, page] = await site.navigate("one");
  assert.equal(page, "page of two");
});

test("a site that was taken away leaves; one that cannot be reached stays", async () => {
  await first("one");
  await open("one");
  Object.assign(globalThis, { fetch: async () => { throw new TypeError("Failed to fetch"); } });
  await open("one");
  Object.assign(globalThis, { fetch: async () => new Response("", { status: 503 }) });
  await open("one");
  assert(site.isRegistered);
  Object.assign(globalThis, { fetch: async () => new Response("", { status: 404 }) });
  await open("one");
  assert(!site.isRegistered);
  Object.assign(globalThis, { fetch: async () => new Response("page of another site") });
  assert.equal((await site.navigate("one"))[1], "page of another site");
  Object.assign(globalThis, { fetch: async () => new Response("page of one") });
  assert.equal((await site.navigate("one"))[1], "page of one", "it is there again, and kept");
  Object.assign(globalThis, { fetch: async () => { throw new TypeError("Failed to fetch"); } });
  assert.equal((await site.navigate("one"))[1], "page of one");
});
