import assert from "node:assert/strict";
import { test } from "node:test";
import { WebWorkerMLCEngine } from "../src/transport/client.ts";
import { AbortError, ModelNotFoundError, NoAnswerError, ProtocolError, RequestValidationError } from "../src/support/errors.ts";
import type { InitProgressReport } from "../src/api/types.ts";
import { CONFIG, FakeEngine, Loopback, MODEL, soon } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { MLCEngine } from "../src/api/engine.ts";

const MESSAGES = [{ role: "user", content: "count" }] as const;

async function loaded(): Promise<{ worker: Loopback; client: WebWorkerMLCEngine; engine: FakeEngine }> {
  const engine = new FakeEngine();
  const worker = new Loopback(engine);
  const client = new WebWorkerMLCEngine(worker, CONFIG);
  await client.reload(MODEL);
  return { worker, client, engine };
}

/** Whether it says no more than that the worker is there, as one does that works for long. */
const isSign = (message: unknown): boolean => JSON.stringify(message) === JSON.stringify({ kind: "alive" });

test("a page that is busy gets fewer, larger messages; the engine is not held up", async () => {
  const { worker, client, engine } = await loaded();
  const taken: unknown[] = [];
  const deliver = worker.deliver.bind(worker);
  worker.deliver = (data) => { if (!isSign(data)) taken.push(data); };
  const stream = client.chat.completions.create({ messages: MESSAGES, temperature: 0, stream: true });
  while (taken.length < 6) await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.ok((engine.loaded[0]?.runner.calls.length ?? 0) > 100, "six messages: begun, a window of four, and the rest at the end");
  worker.deliver = deliver;
  for (const data of taken) deliver(data);
  let chunks = 0;
  for await (const chunk of await stream) chunks += chunk.choices.length;
  assert.ok(chunks > 100);
  assert.ok(worker.received.filter(({ kind }) => kind === "events").length === 5);
});

test("an answer comes without timers, which a page that is hidden gets once a second or less", async (context) => {
  const { client, engine } = await loaded();
  for (const { runner } of engine.loaded) runner.delay = () => new Promise((resolve) => { setImmediate(resolve); });
  for (const name of ["setTimeout", "setInterval"] as const) context.mock.method(globalThis, name, () => 0);
  let chunks = 0;
  for await (const chunk of await client.chat.completions.create({ messages: MESSAGES, temperature: 0, stream: true })) chunks += chunk.choices.length;
  assert.ok(chunks > 100);
});

test("a bad request does not reach the worker", async () => {
  const { worker, client } = await loaded();
  const sent = worker.sent.length;
  await assert.rejects(client.chatCompletion({ messages: [] }), RequestValidationError);
  await assert.rejects(client.reload("nowhere"), ModelNotFoundError);
  assert.equal(worker.sent.length, sent);
});

test("loading sends absolute addresses, reports progress and fails with the worker's error", async () => {
  const worker = new Loopback(new MLCEngine());
  const reports: InitProgressReport[] = [];
  const client = new WebWorkerMLCEngine(worker, {
    appConfig: { model_list: [{ model_id: "toy", manifest: "model/manifest.json", files: { "a.bin": "/assets/a.bin", "b.bin": "data:,b" } }] },
    device: "gpu", initProgressCallback: (report) => reports.push(report),
  });
  await assert.rejects(client.reload("toy"), { code: "WebGPUNotAvailable" });
  assert.equal(reports[0]?.phase, "config");
  assert.deepEqual(worker.sent[0], {
    kind: "reload", id: 0, keepsOthers: false, choices: [{
      modelId: "toy", contextLength: undefined, device: "gpu", variant: undefined, calibrate: undefined, memoryLimit: undefined,
      source: { manifest: "https://page.example/chat/model/manifest.json", files: { "a.bin": "https://page.example/assets/a.bin", "b.bin": "data:,b" } },
    }],
  });
  for (const manifest of ["file:///model.json", "blob:https://page.example/1", "ftp://page.example/model.json"]) {
    await assert.rejects(new MLCEngine().reload(manifest), fails(ModelNotFoundError, /not a URL that can be fetched/));
  }
});

test("a callback that throws is its own failure, and no load's", async (context) => {
  const warn = context.mock.method(console, "warn", () => undefined);
  const initProgressCallback = (): never => { throw new Error("mine"); };
  const local = new MLCEngine({ ...CONFIG, device: "gpu", initProgressCallback });
  await assert.rejects(local.reload(MODEL), { code: "WebGPUNotAvailable" });
  const remote = new WebWorkerMLCEngine(new Loopback(new MLCEngine()), { ...CONFIG, device: "gpu", initProgressCallback });
  await assert.rejects(remote.reload(MODEL), { code: "WebGPUNotAvailable" });
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /callback.*mine/);
});

test("what is called right after a reload does not overtake it", async () => {
  const engine = new FakeEngine();
  engine.loading = () => new Promise(() => undefined);
  const worker = new Loopback(engine);
  const client = new WebWorkerMLCEngine(worker, CONFIG);
  const loading = assert.rejects(client.reload(MODEL), AbortError);
  await client.unload();
  await loading;
  const kinds = worker.sent.map((message) => Reflect.get(Object(message), "kind"));
  assert.deepEqual(kinds, ["reload", "call"]);
});

test("a worker that fails, or talks nonsense, fails all that wait and all that comes later, and says where its script was", async () => {
  const script = Object.assign(new Event("error"), { filename: "https://page.example/worker.js", message: "SyntaxError" });
  const nonsense = new MessageEvent("message", { data: { kind: "nonsense" } });
  for (const event of [new Event("error"), new Event("messageerror"), nonsense, script]) {
    const { worker, client } = await loaded();
    const stream = await client.chat.completions.create({ messages: MESSAGES, stream: true });
    const waiting = client.chatCompletion({ messages: MESSAGES });
    waiting.catch(() => undefined);
    worker.dispatchEvent(event);
    const message = event === script ? /worker\.js.*SyntaxError/ : /./;
    await soon(assert.rejects(async () => { for await (const _ of stream); }, fails(ProtocolError, message)));
    await soon(assert.rejects(waiting, ProtocolError));
    await soon(assert.rejects(client.chatCompletion({ messages: MESSAGES }), fails(ProtocolError, message)));
    await soon(assert.rejects(client.reload(MODEL), ProtocolError));
    await soon(assert.rejects(client.unload(), ProtocolError));
  }
});

test("a worker that had failed before anybody listened is not waited for without end", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const dead = Object.assign(new EventTarget(), { postMessage: () => undefined });
  const client = new WebWorkerMLCEngine(dead, CONFIG);
  const loading = soon(assert.rejects(client.reload(MODEL), fails(ProtocolError, /says nothing/)));
  const waiting = soon(assert.rejects(client.getGPUVendor(), ProtocolError));
  context.mock.timers.tick(60_000);
  await loading;
  await waiting;
  await soon(assert.rejects(client.reload(MODEL), ProtocolError));

  const slow = new FakeEngine(); // what is slow is not dead
  slow.loading = () => new Promise(() => undefined);
  const alive = new WebWorkerMLCEngine(new Loopback(slow), CONFIG);
  const long = alive.reload(MODEL);
  long.catch(() => undefined);
  await assert.rejects(alive.getGPUVendor(), { code: "WebGPUNotAvailable" });
  for (let ticks = 0; ticks < 100; ticks++) {
    context.mock.timers.tick(5000);
    await new Promise((resolve) => { setTimeout(resolve, 2); }); // messages come
  }
  await alive.unload();
  await assert.rejects(long, AbortError);

});

test("a worker that ends without a word fails what was asked, whatever that was; a slow one is waited for", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const asks: Record<string, (client: WebWorkerMLCEngine) => Promise<unknown>> = {
    load: (client) => client.reload(MODEL),
    answer: (client) => client.chatCompletion({ messages: MESSAGES }),
    stream: async (client) => { for await (const _ of await client.chatCompletion({ messages: MESSAGES, stream: true })); },
    tokens: (client) => client.tokenize("a text"),
    question: (client) => client.getGPUVendor(),
  };
  for (const [name, ask] of Object.entries(asks)) {
    const { worker, client } = await loaded();
    worker.terminate();
    let isOver = false;
    const failed = soon(assert.rejects(ask(client), fails(NoAnswerError, /says nothing any more/)), name).finally(() => { isOver = true; });
    while (!isOver) { // who asks begins to wait when it comes to it
      await new Promise(setImmediate);
      context.mock.timers.tick(60_000);
    }
    await failed;
    await soon(assert.rejects(client.chatCompletion({ messages: MESSAGES }), NoAnswerError), name);
  }

  const { worker, client } = await loaded(); // in the middle of an answer
  const answer = await client.chatCompletion({ messages: MESSAGES, stream: true });
  const rest = soon(assert.rejects(async () => { for await (const _ of answer); }, fails(NoAnswerError, /says nothing any more/)));
  worker.terminate();
  context.mock.timers.tick(60_000);
  await rest;
});

test("an engine can be ended with its worker", async () => {
  const { worker, client } = await loaded();
  const running = client.chatCompletion({ messages: MESSAGES });
  running.catch(() => undefined);
  client[Symbol.dispose]();
  assert.ok(worker.isTerminated);
  await soon(assert.rejects(running, AbortError));
  await soon(assert.rejects(client.reload(MODEL), AbortError));
  client.terminate();
});
