import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { AbortError, DownloadError, IntegrityError } from "../src/support/errors.ts";
import { Lanes } from "../src/storage/lanes.ts";
import { ModelFolder } from "../src/storage/model_folder.ts";
import { retryAfter } from "../src/storage/pause.ts";
import { ModelStore } from "../src/storage/store.ts";
import { bringToStorage, readVerified } from "../src/storage/verified.ts";
import { fails } from "./fakes/expect.ts";
import { randomFrom } from "./fakes/random.ts";
import { BASE, SHARDS, bytesOf, deploy, manifestObject, sha256 } from "./fakes/model.ts";
import { FakeLocks, FakeServer, FakeStorage, cut, stream, type FakeRequest } from "./fakes/web.ts";

const MIB = 1 << 20;
const FILE = bytesOf(3 * MIB + 5, 4);
const ENTRY = { file: "weights.bin", bytes: FILE.byteLength, sha256: sha256(FILE) };
const URL_OF_FILE = `${BASE}weights.bin`;
const NEVER = new AbortController().signal;

/** Timers run a thousand times as fast: a second is a millisecond. */
const realSetTimeout = globalThis.setTimeout;
const pauses: number[] = [];

let server = new FakeServer();
let storage = new FakeStorage();
let navigatorNow: { onLine: boolean; storage: FakeStorage; locks: FakeLocks | undefined; hardwareConcurrency: number };

beforeEach(() => {
  server = new FakeServer();
  storage = new FakeStorage();
  server.files.set(URL_OF_FILE, FILE);
  navigatorNow = { onLine: true, storage, locks: new FakeLocks(), hardwareConcurrency: 4 };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: navigatorNow });
  pauses.length = 0;
  const setTimeout = (work: () => void, milliseconds: number): unknown => {
    if (milliseconds < 30_000) pauses.push(milliseconds);
    return realSetTimeout(work, milliseconds / 1000);
  };
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, setTimeout });
});

function answers(...given: Parameters<typeof server.answers.set>[1]): void {
  server.answers.set(URL_OF_FILE, given);
}

function ranges(): (string | undefined)[] {
  return server.requests.map(({ range }) => range);
}

function stored(name: string): Uint8Array | undefined {
  return storage.folders.get(encodeURIComponent(BASE))?.get(name)?.bytes;
}

interface Heard {
  readonly progress: number[];
  readonly waits: string[];
}

async function read(heard: Heard = { progress: [], waits: [] }, signal = NEVER): Promise<Uint8Array> {
  return readVerified(await ModelStore.open(`${BASE}manifest.json`), ENTRY, [URL_OF_FILE], {
    signal, onProgress: (bytes) => heard.progress.push(bytes), onWait: (reason) => heard.waits.push(reason.text),
  });
}

test("a broken connection is gone on with where it broke, for the same version of the file", async () => {
  answers(cut(MIB + 7, "break"), cut(MIB, "break"));
  const heard: Heard = { progress: [], waits: [] };
  assert.deepEqual(await read(heard), FILE);
  assert.deepEqual(ranges(), [undefined, `bytes=${MIB + 7}-`, `bytes=${2 * MIB + 7}-`]);
  const [first, second] = server.requests;
  assert.equal(first?.ifRange, undefined);
  assert.match(second?.ifRange ?? "", /^"/);
  assert.equal(first?.referrerPolicy, "no-referrer");
  assert.deepEqual(heard.progress, [...heard.progress].sort((a, b) => a - b));
  assert.equal(heard.progress.at(-1), FILE.byteLength);
  assert.equal(heard.waits.length, 2);
  assert.match(heard.waits[0] ?? "", /interrupted; trying again in 1 s/);
  assert.deepEqual(stored("weights.bin"), FILE);
  assert.equal(stored("weights.bin.part"), undefined);
});

test("a connection that goes silent is given up, and gone on with", async () => {
  answers(cut(MIB, "silence"));
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`]);
  answers(...Array.from({ length: 6 }, () => cut(0, "silence")));
  storage.folders.clear();
  await assert.rejects(read(), fails(DownloadError, /sent nothing for 30 seconds/));
});

test("after a hundred cuts at random it goes on at the byte, whether the connection broke or the tab was closed", async () => {
  const random = randomFrom(7);
  answers(...Array.from({ length: 100 }, () => cut(1 + Math.floor(random() * 30_000), "break")));
  const store = await ModelStore.open(`${BASE}manifest.json`);
  const ends: number[] = [];
  let had = 0, closed = 0;
  server.onRequest = () => { ends.push(had); };
  for (let isThere = false; !isThere;) {
    const tab = new AbortController();
    const onProgress = (bytes: number): void => {
      had = bytes;
      if (random() < 0.2 && bytes < MIB) tab.abort();
    };
    await bringToStorage(store, ENTRY, [URL_OF_FILE], { signal: tab.signal, onProgress }).then(() => { isThere = true; }, (error: unknown) => {
      assert.ok(error instanceof AbortError);
      closed++;
    });
  }
  assert.ok(closed > 5);
  assert.ok(ends.length > 100);
  assert.deepEqual(ranges(), ends.map((end) => (end === 0 ? undefined : `bytes=${end}-`)));
  assert.equal(stored("weights.bin"), undefined, "nobody has verified it");
  server.files.clear();
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(stored("weights.bin"), FILE);
});

test("retries go on as long as bytes come, and pauses grow only without", async () => {
  answers(...Array.from({ length: 20 }, () => cut(1000, "break")));
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(new Set(pauses), new Set([500]));
  storage.folders.clear();
  server.failures.set(URL_OF_FILE, ["network", "network", 500, "network", "network"]);
  pauses.length = 0;
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000]);
});

test("where a server knows no ranges, or has another version, the file comes from its start", async () => {
  server.ranges = false;
  answers(cut(MIB, "break"));
  assert.deepEqual(await read(), FILE);
  storage.folders.clear();
  server.ranges = true;
  const old = bytesOf(FILE.byteLength, 77);
  server.files.set(URL_OF_FILE, old);
  answers(cut(MIB, "break"));
  server.onRequest = (_, count) => { if (count === 4) server.files.set(URL_OF_FILE, FILE); };
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(ranges().slice(2), [undefined, `bytes=${MIB}-`], "the server saw that If-Range names another version");
});

test("a part of another origin, whose header is hidden, is what was asked for", async () => {
  const hidden = ({ signal }: FakeRequest): Response => Object.defineProperty(new Response(stream(FILE.slice(MIB), signal), { status: 206 }), "type", { value: "cors" });
  answers(cut(MIB, "break"), hidden);
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`]);
});

const CUT = cut(MIB, "break");
const WRONG_RANGES: readonly (readonly [string, (request: FakeRequest) => Response])[] = [
  ["a part that begins elsewhere", ({ signal }) =>
    new Response(stream(FILE.slice(5), signal), { status: 206, headers: { "content-range": `bytes 5-${FILE.length - 1}/${FILE.length}` } })],
  ["a part that does not say where it begins", ({ signal }) => new Response(stream(FILE.slice(MIB), signal), { status: 206 })],
  ["416", () => new Response("", { status: 416 })],
  ["a compressed part", ({ signal }) => new Response(stream(FILE.slice(MIB), signal), {
    status: 206, headers: { "content-encoding": "gzip", "content-range": `bytes ${MIB}-${FILE.length - 1}/${FILE.length}` },
  })],
];

for (const [name, answer] of WRONG_RANGES) {
  test(`the file comes from its start after ${name}`, async () => {
    answers(CUT, answer);
    assert.deepEqual(await read(), FILE);
    assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`, undefined]);
  });
}

for (const status of [400, 403, 405, 412, 501]) {
  test(`a server that refuses parts by ${status} is asked for the whole file`, async () => {
    const refusing = ({ range, signal }: FakeRequest): Response => (range === undefined ? new Response(stream(FILE, signal)) : new Response("", { status }));
    answers(CUT, refusing, refusing, refusing);
    assert.deepEqual(await read(), FILE);
    assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`, undefined]);
  });
}

test("who is let in no more keeps what has come", async () => {
  answers(CUT, ...Array.from({ length: 3 }, () => () => new Response("", { status: 403 })));
  await assert.rejects(read(), fails(DownloadError, /HTTP 403/));
  answers();
  assert.deepEqual(await read(), FILE);
  assert.equal(ranges().at(-1), `bytes=${MIB}-`);
});

test("parts that nobody asked for, and parts in other letters, are what they say", async () => {
  const part = (from: number, to: number) => ({ signal }: FakeRequest): Response => new Response(stream(FILE.slice(from, to), signal), {
    status: 206, headers: { "content-range": `Bytes ${from}-${to - 1}/${FILE.length}`, "content-length": String(to - from) },
  });
  answers(part(0, MIB), part(MIB, 2 * MIB), part(2 * MIB, FILE.length));
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`, `bytes=${2 * MIB}-`]);
});

test("a part of another version, which no header gives away, is found out by the digest", async () => {
  answers(CUT, ({ signal }) => new Response(stream(bytesOf(FILE.length - MIB, 50), signal),
    { status: 206, headers: { "content-range": `bytes ${MIB}-${FILE.length - 1}/${FILE.length}` } }));
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`, undefined]);
  assert.equal(server.requests.at(-1)?.cache, "reload");
});

test("without a network it waits for one, and says so", async () => {
  answers(() => { navigatorNow.onLine = false; throw new TypeError("Failed to fetch"); });
  realSetTimeout(() => { navigatorNow.onLine = true; }, 20);
  const heard: Heard = { progress: [], waits: [] };
  assert.deepEqual(await read(heard), FILE);
  assert.deepEqual(heard.waits, ["Waiting for the network"]);
  navigatorNow.onLine = false;
  storage.folders.clear();
  server.failures.set(URL_OF_FILE, Array.from({ length: 20 }, () => "network"));
  const controller = new AbortController();
  realSetTimeout(() => controller.abort(), 20);
  await assert.rejects(read(undefined, controller.signal), AbortError);
});

test("a busy server says when to come again", async ({ mock }) => {
  mock.method(Date, "now", () => 1_700_000_000_500);
  const busy = (status: number, after: string) => (): Response => new Response("", { status, headers: { "retry-after": after } });
  answers(busy(429, "7"), busy(503, new Date(Date.now() + 21_500).toUTCString()), busy(429, "1e9 years"));
  assert.deepEqual(await read(), FILE);
  assert.equal(pauses[0], 7000);
  assert.equal(pauses[1], 21_500);
  assert.equal(pauses[2], 2000, "what cannot be read is not obeyed");
  assert.equal(retryAfter("99999999"), 120_000);
  // What asks for no wait is waited for as anything else, and not asked again and again at once.
  for (const none of [new Date(0).toUTCString(), "0", "-5", "1.5", "soon", ""]) assert.equal(retryAfter(none), undefined, none);
  assert.equal(retryAfter(null), undefined);
});

test("a server that goes on to say when to come again is asked for minutes, and not for ever", async () => {
  const busy = (): Response => new Response("", { status: 429, headers: { "retry-after": "10" } });
  answers(...Array.from({ length: 25 }, () => busy));
  assert.deepEqual(await read(), FILE);
  storage.folders.clear();
  server.requests.length = 0;
  answers(...Array.from({ length: 99 }, () => busy));
  await assert.rejects(read(), fails(DownloadError, /HTTP 429/));
  assert.equal(server.requests.length, 30);
});

function textAnswer(text: string, headers: Record<string, string> = {}): () => Response {
  return () => new Response(text, { headers });
}

const INSTEAD: readonly (readonly [string, () => Response, RegExp])[] = [
  ["a web page", textAnswer("<!DOCTYPE html><html>", { "content-type": "text/html; charset=utf-8" }), /sent a web page instead of this file/],
  ["a page that is not called one", textAnswer("\ufeff\n <html>", { "content-type": "application/octet-stream" }), /sent a web page/],
  ["a fragment", textAnswer("<p>not here</p>", { "content-type": "text/html" }), /sent a web page/],
  ["words of type HTML", textAnswer("not here", { "content-type": "text/html" }), /sent a web page/],
  ["an empty page", textAnswer("", { "content-type": "text/html" }), /sent a web page/],
  ["a pointer of Git LFS", textAnswer("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), /Git LFS pointer/],
];

for (const [name, answer, message] of INSTEAD) {
  test(`${name} in a file's place is told at once, and not stored`, async () => {
    answers(answer);
    await assert.rejects(read(), fails(DownloadError, message));
    assert.equal(server.requests.length, 1);
    assert.equal(stored("weights.bin"), undefined);
    answers();
    assert.deepEqual(await read(), FILE);
  });
}

test("what a host calls a page and is the file is stored", async () => {
  answers(() => new Response(FILE, { headers: { "content-type": "text/html" } }));
  assert.deepEqual(await read(), FILE);
  assert.deepEqual(stored("weights.bin"), FILE);
});

test("a file of which storage took a part does not count as stored", async () => {
  storage.takesHalf = true;
  assert.deepEqual(await read(), FILE);
  assert.equal(stored("weights.bin"), undefined);
});

test("a page in the place of the rest does not cost what has come", async () => {
  answers(CUT, textAnswer("<!doctype html>", { "content-type": "text/html" }));
  await assert.rejects(read(), fails(DownloadError, /web page/));
  answers();
  await read();
  assert.equal(ranges().at(-1), `bytes=${MIB}-`);
});

test("a file that the server has in another length is asked for once more, past all caches", async () => {
  server.files.set(URL_OF_FILE, FILE.slice(0, 1000));
  answers(({ signal }) => new Response(stream(FILE.slice(0, 1000), signal), { headers: { "content-length": "1000" } }));
  await assert.rejects(read(), fails(IntegrityError, /truncated/));
  storage.folders.clear();
  server.files.set(URL_OF_FILE, bytesOf(FILE.length + 1, 4));
  server.requests.length = 0;
  await assert.rejects(read(), fails(IntegrityError, /longer than/));
  assert.deepEqual(server.requests.map(({ cache }) => cache), ["no-store", "reload"]);
});

test("a file of another length behind broken connections is not asked for without end", async () => {
  server.failures.set(URL_OF_FILE, ["network", "network"]);
  answers(...Array.from({ length: 50 }, () => ({ signal }: FakeRequest) => new Response(stream(FILE.slice(0, 1000), signal), { headers: { "content-length": "1000" } })));
  await assert.rejects(read(), fails(IntegrityError, /truncated/));
  assert.equal(server.requests.length, 3);
});

test("a body that ends early, and says nothing of it, is tried four times", async () => {
  server.ranges = false;
  server.files.set(URL_OF_FILE, FILE.slice(0, 1000));
  await assert.rejects(read(), fails(IntegrityError, /truncated: 1000 of/));
  assert.equal(server.requests.length, 4);
});

test("what is compressed on the way is measured by its own bytes", async () => {
  answers(({ signal }) => new Response(stream(FILE, signal), { headers: { "content-encoding": "gzip", "content-length": "77" } }));
  const heard: Heard = { progress: [], waits: [] };
  assert.deepEqual(await read(heard), FILE);
  assert.ok(heard.progress.every((bytes) => bytes <= FILE.length));
});

for (const movable of [true, false, "refused"] as const) {
  test(`what has come is kept for the next visit, and is not taken for stored (files move: ${movable})`, async () => {
    storage.movable = movable;
    const controller = new AbortController();
    answers(cut(2 * MIB, "silence"));
    const stopped = readVerified(await ModelStore.open(`${BASE}manifest.json`), ENTRY, [URL_OF_FILE], {
      signal: controller.signal, onProgress: (bytes) => { if (bytes === 2 * MIB) controller.abort(); },
    });
    await assert.rejects(stopped, AbortError);
    assert.equal(stored("weights.bin"), undefined);
    assert.deepEqual(stored("weights.bin.part"), FILE.slice(0, 2 * MIB));
    const heard: Heard = { progress: [], waits: [] };
    assert.deepEqual(await read(heard), FILE);
    assert.equal(ranges().at(-1), `bytes=${2 * MIB}-`);
    assert.equal(heard.progress[0], 2 * MIB);
    assert.deepEqual(stored("weights.bin"), FILE);
    assert.equal(stored("weights.bin.part"), undefined);
  });
}

test("a kept part that is spoilt, too long or already whole costs at most one download", async () => {
  for (const [part, requests] of [[bytesOf(MIB, 70), 2], [bytesOf(FILE.length + 1, 4), 1], [FILE, 0]] as const) {
    await read();
    const folder = storage.folders.get(encodeURIComponent(BASE));
    const file = folder?.get("weights.bin");
    assert.ok(folder && file);
    folder.clear();
    folder.set("weights.bin.part", file);
    file.bytes = part.slice();
    server.requests.length = 0;
    assert.deepEqual(await read(), FILE);
    assert.equal(server.requests.length, requests);
    assert.deepEqual(stored("weights.bin"), FILE);
  }
});

test("of two tabs one downloads, the other waits and reads what is stored", async () => {
  const heard: Heard = { progress: [], waits: [] };
  const [first, second] = await Promise.all([read(), read(heard)]);
  assert.deepEqual(first, FILE);
  assert.deepEqual(second, FILE);
  assert.equal(server.requests.length, 1);
  assert.match(heard.waits.join(), /another tab/);
});

test("the second tab goes on when the first ends, and may itself stop waiting", async () => {
  const first = new AbortController();
  answers(cut(MIB, "silence"));
  const reading = readVerified(await ModelStore.open(`${BASE}manifest.json`), ENTRY, [URL_OF_FILE],
    { signal: first.signal, onProgress: () => undefined });
  const second = read();
  const third = new AbortController();
  const waiting = read(undefined, third.signal);
  realSetTimeout(() => third.abort(), 2);
  await assert.rejects(waiting, AbortError);
  first.abort();
  await assert.rejects(reading, AbortError);
  assert.deepEqual(await second, FILE);
  assert.deepEqual(ranges(), [undefined, `bytes=${MIB}-`]);
});

test("a tab that sleeps with its lock does not hold another up for ever", async () => {
  const locks = new FakeLocks();
  navigatorNow.locks = locks;
  void locks.request(`webllm-build:${URL_OF_FILE}`, {}, () => new Promise(() => undefined));
  const heard: Heard = { progress: [], waits: [] };
  assert.deepEqual(await read(heard), FILE);
  assert.match(heard.waits[0] ?? "", /another tab/);
});

test("without locks, or where they are refused, tabs download each for itself", async () => {
  navigatorNow.locks = undefined;
  assert.deepEqual(await Promise.all([read(), read()]), [FILE, FILE]);
  storage.folders.clear();
  Object.assign(navigatorNow, { locks: { request: () => Promise.reject(new DOMException("denied", "SecurityError")) } });
  assert.deepEqual(await read(), FILE);
  navigatorNow.locks = new FakeLocks();
  storage.folders.clear();
  server.files.delete(URL_OF_FILE);
  await assert.rejects(read(), fails(DownloadError, /missing on the server \(HTTP 404\)/));
  assert.equal(server.requests.filter(({ method }) => method === "GET").length, 4, "an error of the download is no error of the lock");
});

test("a shard that is missing because the site was replaced says: load the page again", async () => {
  const manifest = deploy(server, manifestObject());
  const open = await ModelFolder.open({ manifest }, NEVER);
  const load = (): Promise<void> => open.readShards(NEVER, () => undefined, async () => undefined);
  server.files.delete(`${BASE}weights-1.bin`);
  await assert.rejects(load(), fails(DownloadError, /weights-1[.]bin is missing on the server .*upload the whole model folder/));
  server.files.delete(manifest);
  await assert.rejects(load(), (error: unknown) => error instanceof DownloadError && /newer version of this site.*load the page again/.test(error.message)
    && error.details["reason"] === "replaced");
  server.files.set(manifest, SHARDS[1] ?? FILE);
  server.answers.set(manifest, [textAnswer("<html>", { "content-type": "text/html" })]);
  server.files.set(`${BASE}weights-1.bin`, FILE);
  server.answers.set(`${BASE}weights-1.bin`, [textAnswer("<html>", { "content-type": "text/html" })]);
  await assert.rejects(load(), fails(DownloadError, /newer version of this site/));
});

test("few shards come at a time while the network is slow, more when it is fast", async () => {
  const lanes = new Lanes(6, 0);
  let running = 0;
  const finish: (() => void)[] = [];
  const controller = new AbortController();
  const downloads = Array.from({ length: 8 }, () => lanes.run(controller.signal, async () => {
    running++;
    await new Promise<void>((resolve) => finish.push(resolve));
    running--;
  }));
  const settle = (): Promise<unknown> => new Promise((resolve) => realSetTimeout(resolve, 0));
  await settle();
  assert.equal(running, 2, "until the speed is known");
  lanes.received(100, 1000);
  finish.shift()?.();
  await settle();
  assert.equal(running, 1);
  lanes.received(100_000_000, 2000);
  await settle();
  assert.equal(running, 6);
  controller.abort();
  const results = Promise.allSettled(downloads);
  finish.forEach((one) => one());
  assert.deepEqual((await results).map(({ status }) => status), [...Array.from({ length: 7 }, () => "fulfilled"), "rejected"]);
});
