// WebLLM's engine in a browser extension: in its service worker, or in its offscreen document.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { addPackagedModels } from "../src/webllm/app_config.ts";
import * as webllm from "../src/webllm/index.ts";
import { Loopback, soon } from "./fakes/engine.ts";
import { FakeExtension, type Port } from "./fakes/extension.ts";
import { Models } from "./fakes/service_worker.ts";
import { turns } from "./fakes/turns.ts";

const record = (model_id: string): webllm.ModelRecord & { manifest: string } => (
  { model: `https://models.example/${model_id}`, model_lib: "", model_id, manifest: `https://models.example/${model_id}/manifest.json` });
addPackagedModels([record("toy"), record("other")]);
const CALL: webllm.ChatCompletionRequestNonStreaming = { messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 5 };
const open = webllm.CreateExtensionServiceWorkerMLCEngine;

mock.timers.enable({ apis: ["setInterval"] });

async function passed(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await turns(20);
}

/** As WebLLM's example writes it. */
function script(Handler: new (port: Port) => webllm.ExtensionServiceWorkerMLCEngineHandler = webllm.ExtensionServiceWorkerMLCEngineHandler): (port: Port) => void {
  let handler: webllm.ExtensionServiceWorkerMLCEngineHandler | undefined;
  return (port) => {
    if (handler === undefined) handler = new Handler(port);
    else handler.setPort(port);
    port.onMessage.addListener(handler.onmessage.bind(handler));
  };
}

async function textOf(engine: webllm.MLCEngineInterface): Promise<string> {
  return (await soon(engine.chatCompletion(CALL))).choices[0]?.message.content ?? "";
}

test("pages, one after the other, find the model; what the last one asked is not told to the next", async () => {
  const [models, extension] = [new Models(), new FakeExtension(() => script())];
  const first = await soon(open("toy"));
  const text = await textOf(first);
  const left = await soon(first.chatCompletion({ ...CALL, max_tokens: 100, stream: true }));
  await soon(left[Symbol.asyncIterator]().next());
  extension.pages[0]?.disconnect();
  const told: number[] = [];
  const second = await soon(open("toy", { initProgressCallback: ({ progress }) => told.push(progress) }));
  assert.deepEqual([await textOf(second), models.loaded.length, told.at(-1)], [text, 1, 1]);
  await soon(second.reload("other"));
  assert.deepEqual(models.loaded.map(({ modelId, disposals }) => [modelId, disposals]), [["toy", 1], ["other", 0]]);
  assert.equal(extension.ports.length, 2);
  first.inner.terminate(); // as with its page
});

test("several pages at once share the model, and each gets its own answers, once", async () => {
  const [models, extension] = [new Models(), new FakeExtension(() => script())];
  const [first, second] = [await soon(open("toy")), await soon(open("toy"))];
  const text = await textOf(first);
  assert.deepEqual(await Promise.all([textOf(first), textOf(second), textOf(first)]), [text, text, text]);
  assert.equal(models.loaded.length, 1);
  await soon(second.reload("other"));
  extension.pages[1]?.disconnect();
  await passed(0);
  assert.deepEqual(models.loaded.map(({ modelId, disposals }) => [modelId, disposals]), [["toy", 0], ["other", 1]]);
  assert.equal(await textOf(first), text);
});

test("a service worker that was stopped is started again by the next request", async () => {
  const [models, extension] = [new Models(), new FakeExtension(() => script())];
  let ends = 0;
  const engine = await soon(open("toy", { onDisconnect: () => { ends++; } }));
  const text = await textOf(engine);
  extension.stop();
  await passed(10_000);
  assert.deepEqual([ends, extension.ports.length], [1, 1]);
  assert.equal(await textOf(engine), text);
  assert.deepEqual([models.loaded.length, extension.ports.length], [2, 2]);
});

test("while something is asked, the service worker is kept", async () => {
  const [models, extension] = [new Models(), new FakeExtension(() => script())];
  const engine = await soon(open("toy"));
  await passed(20_000);
  assert.equal(extension.calls, 0);
  models.prepare = (runner) => { runner.delay = () => new Promise(() => undefined); };
  await soon(engine.reload("other"));
  void engine.chatCompletion(CALL).catch(() => undefined);
  await passed(0);
  await passed(40_000);
  assert.equal(extension.calls, 2);
});

test("an offscreen document is opened once for all pages, and again where it is gone", async () => {
  const [models, extension] = [new Models(), new FakeExtension(() => script(), { offscreen: true })];
  const config = { offscreen: "engine.html" };
  const [first, second] = await soon(Promise.all([open("toy", config), open("toy", config)]));
  const text = await textOf(first);
  assert.deepEqual([await textOf(second), extension.documents, models.loaded.length], [text, 1, 1]);
  extension.stop();
  assert.deepEqual([await textOf(first), await textOf(second)], [text, text]);
  assert.deepEqual([extension.documents, models.loaded.length], [2, 2]);
});

test("a document's models are in a worker; a page ends its own answers there", async () => {
  const models = new Models();
  const Handler = class extends webllm.ExtensionServiceWorkerMLCEngineHandler {
    constructor(port: Port) {
      super(port, new Loopback(models));
    }
  };
  new FakeExtension(() => script(Handler), { offscreen: true });
  const config = { offscreen: "engine.html" };
  const [first, second] = await soon(Promise.all([open("toy", config), open("toy", config)]));
  const reasonOf = async (engine: webllm.MLCEngineInterface, isEnded: boolean): Promise<string> => {
    let reason = "";
    for await (const { choices: [choice] } of await engine.chatCompletion({ ...CALL, max_tokens: 60, stream: true })) {
      reason = choice?.finish_reason ?? reason;
      if (isEnded) engine.interruptGenerate();
    }
    return reason;
  };
  assert.deepEqual(await soon(Promise.all([reasonOf(first, true), reasonOf(second, false)])), ["abort", "length"]);
  assert.equal(models.loaded.length, 1);
});

test("an offscreen document that cannot be opened, and an extension in which nobody listens, are told", async () => {
  new FakeExtension(() => script(), { offscreen: true });
  await assert.rejects(soon(open("toy", { offscreen: "missing.html" })), { message: /missing[.]html could not be opened.*Page failed to load/s });
  new FakeExtension(() => undefined);
  await assert.rejects(soon(open("toy")), { message: /nobody in the extension listens.*Receiving end does not exist/s });
});

test("a program's own message goes as it is, and its answer to the page that asked", async () => {
  class Handler extends webllm.ExtensionServiceWorkerMLCEngineHandler {
    override onmessage(message: unknown, from?: webllm.ExtensionPort | null): void {
      if (typeof message === "object" && message !== null && "kind" in message && message.kind === "customRequest" && "content" in message && "uuid" in message) {
        void this.handleTask(String(message.uuid), async () => `${String(message.content)}!`);
      } else super.onmessage(message, from);
    }
  }
  class Client extends webllm.ExtensionServiceWorkerMLCEngine {
    ask(content: string): Promise<unknown> {
      return this.getPromise({ kind: "customRequest", uuid: crypto.randomUUID(), content });
    }
  }
  new Models();
  new FakeExtension(() => script(Handler));
  const [first, second] = [new Client(), new Client()];
  assert.deepEqual(await soon(Promise.all([first.ask("a"), second.ask("b")])), ["a!", "b!"]);
});
