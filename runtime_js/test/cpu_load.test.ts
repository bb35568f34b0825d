// Loads of a model with a library for the CPU: what is chosen where, and what is refused.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { estimateLoad, loadModel, type LoadedModel } from "../src/engine/load.ts";
import { Session } from "../src/engine/session.ts";
import type { ModelChoice } from "../src/engine/choice.ts";
import type { InitProgressReport } from "../src/engine/progress.ts";
import type { MemoryEstimate } from "../src/executor/memory_estimate.ts";
import type { Probe } from "../src/storage/manifest.ts";
import { AbortError, DownloadError, FeatureSupportError, OutOfMemoryError, WebGPUNotAvailableError } from "../src/support/errors.ts";
import { Fields } from "../src/support/fields.ts";
import { fails } from "./fakes/expect.ts";
import { BASE, entry, manifestObject, sha256 } from "./fakes/model.ts";
import { VOCABULARY, reference } from "./fakes/runner.ts";
import { CHUNK, WEIGHTS, toyLibrary, toyPlan } from "./fakes/toy_library.ts";
import { FakeServer, FakeStorage, cut } from "./fakes/web.ts";

const TOKENIZER = new Uint8Array(readFileSync("../tests/fixtures/tiny-llama/tokenizer.json"));
const STREAM = new Uint8Array(512);
WEIGHTS.forEach((weights, i) => STREAM.set(new Uint8Array(weights.buffer), 256 * i));

const golden = (name: string): Fields => new Fields(JSON.parse(readFileSync(`test/golden/${name}.json`, "utf8")), "", Error);

let server = new FakeServer();

interface Deployed {
  /** What the browser gives for one. */
  readonly gpu?: object;
  readonly hasCpu?: boolean;
  readonly relaxed?: Uint8Array<ArrayBuffer>;
  readonly probe?: Probe;
  /** Whether there is a weight of a row for each token that stays in storage. */
  readonly hasRows?: boolean;
  /** Whether it sees and hears, by parts that are toys, too. */
  readonly hasParts?: boolean;
}

const ROW_BYTES = 8;
const TABLE_BYTES = VOCABULARY * ROW_BYTES;

function planWithRows(): Record<string, unknown> {
  const plan = toyPlan();
  return { ...plan, stored: [{ name: "table.q", bytes: TABLE_BYTES, row_bytes: ROW_BYTES, io: "rows0" }], io: [...[plan["io"]].flat(), { name: "rows0", bytes: CHUNK * ROW_BYTES }] };
}

/** Puts the model on the server. */
function deploy({ gpu, hasCpu = true, hasRows = false, hasParts = false, relaxed = toyLibrary(hasRows ? planWithRows() : toyPlan()), probe }: Deployed = {}): string {
  const library = toyLibrary(hasRows ? planWithRows() : toyPlan());
  const stream = new Uint8Array(hasRows ? 512 + TABLE_BYTES : 512);
  stream.set(STREAM);
  const files = {
    "model.wasm": Uint8Array.of(1), "model-cpu.wasm": library, "model-cpu-relaxed.wasm": relaxed, "tokenizer.json": TOKENIZER,
    "grammar.wasm": Uint8Array.of(2), "weights-0.bin": stream, "weights-1.bin": stream, "weights-2.bin": stream,
  };
  const cpu = { plain: entry("model-cpu.wasm", library), relaxed: entry("model-cpu-relaxed.wasm", relaxed) };
  const text = {
    ...manifestObject(), ...(hasCpu && { cpu }), library: entry("model.wasm", files["model.wasm"]), tokenizer: entry("tokenizer.json", TOKENIZER),
    grammar: entry("grammar.wasm", files["grammar.wasm"]), weights: { bytes: stream.length, shards: [entry("weights-0.bin", stream)] },
    ...(probe && { probe }),
    tensors: [
      ...["layers.0.hash", "head"].map((name, i) => ({ name, dtype: "int32", shape: [16], offset: 256 * i, bytes: 64 })),
      ...(hasRows ? [{ name: "table.q", dtype: "uint32", shape: [TABLE_BYTES / 4], offset: 512, bytes: TABLE_BYTES }] : []),
    ],
  };
  const part = (file: string, token: string, processor: unknown): object => (
    { model: { ...text, weights: { bytes: stream.length, shards: [entry(file, stream)] } }, processor, [token]: 1, vectors: 2 });
  const parts = { vision: part("weights-1.bin", "image_token", golden("pictures").object("gemma3").raw("settings")), audio: part("weights-2.bin", "audio_token", golden("sounds").raw("settings")) };
  const manifest = { ...text, ...(hasParts && parts) };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const url = `${BASE}manifest.${sha256(bytes).slice(0, 32)}.json`;
  server.files.set(url, bytes);
  for (const [name, content] of Object.entries(files)) server.files.set(BASE + name, content);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 2, storage: new FakeStorage(), ...(gpu && { gpu }) } });
  return url;
}

beforeEach(() => {
  server = new FakeServer();
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, location: { href: "https://site.example/sub/" } });
});

async function load(choice: Partial<ModelChoice> & Pick<ModelChoice, "source">, signal = new AbortController().signal): Promise<{ model: LoadedModel; ready: InitProgressReport }> {
  const reports: InitProgressReport[] = [];
  const listener = { progress: (report: InitProgressReport) => void reports.push(report), needs: () => undefined, lost: () => undefined };
  const model = await loadModel({ modelId: "toy", ...choice }, listener, signal);
  const ready = reports.at(-1);
  assert.ok(ready);
  return { model, ready };
}

async function answer(model: LoadedModel): Promise<number> {
  const session = new Session(model);
  const events = await session.answer({ prompt: { kind: "text", text: "To be" }, maxTokens: 5, stop: [], sampling: { temperature: 0 } });
  let tokens = 0;
  for await (const event of events) if (event.type === "token") tokens++;
  session.close();
  return tokens;
}

test("where there is no GPU the CPU answers, and the report says so", async () => {
  const { model, ready } = await load({ source: { manifest: deploy() } });
  assert.equal(ready.text, "Ready on the CPU, 1 thread (cpu-int8)");
  assert.deepEqual(ready.computer, { device: "cpu", vendor: "", threads: 1 });
  assert.equal(await answer(model), 5);
  assert.ok(!server.requests.some(({ url }) => url.endsWith("model.wasm")), "the GPU's library is not fetched");
});

test("a GPU that is a CPU in disguise, or that fails, gives way to the CPU; not where it is asked for", async () => {
  const limits = { maxBufferSize: 1 << 30, maxStorageBufferBindingSize: 1 << 30 };
  const adapterOf = (info: object): object => ({ requestAdapter: async () => ({ features: new Set(), limits, info }) });
  for (const info of [{ vendor: "google", architecture: "swiftshader" }, { vendor: "mesa", description: "llvmpipe (LLVM 19.1.7, 256 bits)" }, { isFallbackAdapter: true }]) {
    const { model, ready } = await load({ source: { manifest: deploy({ gpu: adapterOf(info) }) } });
    assert.equal(ready.computer?.device, "cpu");
    model.dispose();
  }
  const broken = { requestAdapter: async () => { throw new TypeError("no GPU process"); } };
  const { model } = await load({ source: { manifest: deploy({ gpu: broken }) } });
  model.dispose();
  await assert.rejects(load({ device: "gpu", source: { manifest: deploy() } }), WebGPUNotAvailableError);
});

test("without SIMD, or a library for the CPU, it is told what is missing", async (context) => {
  await assert.rejects(load({ device: "cpu", source: { manifest: deploy({ hasCpu: false }) } }), fails(FeatureSupportError, /built without a library for the CPU/));
  const manifest = deploy();
  context.mock.method(WebAssembly, "validate", () => false);
  await assert.rejects(load({ device: "cpu", source: { manifest } }), fails(FeatureSupportError, /WebAssembly has no SIMD/));
  await assert.rejects(load({ source: { manifest } }), WebGPUNotAvailableError);
});

test("a library that computes wrongly gives way to the plain one", async (context) => {
  context.mock.method(WebAssembly, "validate", () => true);
  const manifest = deploy({ relaxed: toyLibrary({ ...toyPlan(), variants: [toyPlan()["variants"]].flat().slice(1) }), probe: { tokens: [5, 6], values: [reference([5, 6], 1, new Set())[0] ?? 0, 1, 6, 1] } });
  const { model, ready } = await load({ device: "cpu", source: { manifest } });
  assert.equal(ready.text, "Ready on the CPU, 1 thread (cpu-int8)");
  assert.equal(await answer(model), 5);
});

test("a download that is cut off goes on, one that stays away fails, and a load that is stopped ends", async () => {
  const manifest = deploy();
  server.answers.set(`${BASE}weights-0.bin`, [cut(300, "break")]);
  const { model } = await load({ source: { manifest } });
  assert.equal(await answer(model), 5);
  const gone = deploy();
  server.files.delete(`${BASE}model-cpu.wasm`);
  await assert.rejects(load({ source: { manifest: gone } }), DownloadError);
  const silent = deploy();
  server.answers.set(`${BASE}weights-0.bin`, [cut(300, "silence")]);
  const controller = new AbortController();
  server.onRequest = (url) => { if (url.endsWith(".bin")) setTimeout(() => controller.abort(), 50); };
  await assert.rejects(load({ source: { manifest: silent } }, controller.signal), AbortError);
});

test("a model with rows in storage answers, counts them where nothing is stored, and outlives a file that is cut", async () => {
  const manifest = deploy({ hasRows: true });
  const storage = new FakeStorage();
  const use = (given?: FakeStorage): unknown => Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 2, storage: given } });
  const estimate = (): Promise<MemoryEstimate> => estimateLoad({ modelId: "toy", source: { manifest } }, new AbortController().signal);
  use();
  const held = await estimate();
  use(storage);
  const stored = await estimate();
  assert.deepEqual([held.weights - stored.weights, held.total - stored.total], [TABLE_BYTES, TABLE_BYTES]);
  const { model } = await load({ source: { manifest } });
  const session = new Session(model);
  const ask = async (text: string): Promise<number> => {
    let tokens = 0;
    for await (const event of await session.answer({ prompt: { kind: "text", text }, maxTokens: 5, stop: [], sampling: { temperature: 0 } })) if (event.type === "token") tokens++;
    return tokens;
  };
  assert.equal(await ask("To be"), 5);
  const file = storage.folders.get(encodeURIComponent(BASE))?.get("weights-0.bin") ?? assert.fail();
  file.bytes = file.bytes.slice(0, 100);
  server.files.delete(`${BASE}weights-0.bin`);
  assert.equal(await ask("To be"), 5, "of what was read before nothing is read again");
  await assert.rejects(ask("or not"), fails(DownloadError, /weights-0.bin.* is cut or gone/));
  deploy({ hasRows: true });
  use(storage);
  assert.equal(await ask("or not"), 5);
  session.close();
});

test("what sees and what hears take memory of their own, and without a connection each says what it is fetched for", async () => {
  const source = { manifest: deploy({ hasParts: true }) };
  const text = await estimateLoad({ modelId: "toy", source: { manifest: deploy() } }, new AbortController().signal);
  deploy({ hasParts: true });
  assert.equal((await estimateLoad({ modelId: "toy", source }, new AbortController().signal)).total, 3 * text.total);
  const [told, reports]: [number[], InitProgressReport[]] = [[], []];
  const listener = { progress: (report: InitProgressReport) => reports.push(report), needs: ({ total }: MemoryEstimate) => told.push(total / text.total), lost: () => undefined };
  const { vision, hearing, dispose } = await loadModel({ modelId: "toy", source, vision: "lazy" }, listener, new AbortController().signal);
  Object.assign(navigator, { onLine: false });
  await assert.rejects(vision?.tower() ?? assert.fail(), fails(DownloadError, /sees with is not on this device.*first picture.*Connect.*without pictures are answered/));
  await assert.rejects(hearing?.tower() ?? assert.fail(), fails(DownloadError, /hears with is not on this device.*first sound.*Connect.*without sounds are answered/));
  Object.assign(navigator, { onLine: true });
  await hearing?.tower();
  await vision?.tower();
  assert.deepEqual(told, [1, 2, 3]);
  assert.deepEqual(reports.filter(({ phase }) => phase === "ready").map(({ sense }) => sense), [undefined, "hearing", "sight"]);
  dispose();
});

test("a context that is longer than the model's is refused, and what the model takes is told before weights come", async () => {
  await assert.rejects(load({ contextLength: 1 << 20, source: { manifest: deploy() } }), /was built for 8192 tokens/);
  const source = { manifest: deploy() };
  const listener = { progress: () => undefined, needs: () => { throw new OutOfMemoryError("too much"); }, lost: () => undefined };
  await assert.rejects(loadModel({ modelId: "toy", source }, listener, new AbortController().signal), fails(OutOfMemoryError, /too much/));
  assert.ok(!server.requests.some(({ url }) => url.endsWith(".bin")));
});
