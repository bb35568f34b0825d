// WebLLM's engines in workers that outlive pages: a site's service worker, and an extension's.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { addPackagedModels } from "../src/webllm/app_config.ts";
import { ModelType } from "../src/webllm/constants.ts";
import { WebWorkerMLCEngineHandler } from "../src/transport/worker.ts";
import * as webllm from "../src/webllm/index.ts";
import { setPackagedWorker } from "../src/webllm/site_worker.ts";
import { soon } from "./fakes/engine.ts";
import { FakeSite, Models } from "./fakes/service_worker.ts";
import { turns } from "./fakes/turns.ts";

const record = (model_id: string, more: Partial<webllm.ModelRecord> = {}): webllm.ModelRecord & { manifest: string } => (
  { model: `https://models.example/${model_id}`, model_lib: "", model_id, manifest: `https://models.example/${model_id}/manifest.json`, ...more });
addPackagedModels([record("toy"), record("other"), record("vectors", { model_type: ModelType.embedding })]);
const CALL: webllm.ChatCompletionRequestNonStreaming = { messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 5 };
const BEAT_MS = 10_000;

mock.timers.enable({ apis: ["setInterval"] });

class Handler extends webllm.ServiceWorkerMLCEngineHandler {
  override onmessage(event: { readonly data: unknown }): void {
    const { data } = event;
    if (typeof data === "object" && data !== null && "kind" in data && data.kind === "customRequest" && "uuid" in data) {
      void this.handleTask(String(data.uuid), async () => "custom answer");
    } else super.onmessage(event);
  }
}

class Client extends webllm.ServiceWorkerMLCEngine {
  ask(uuid: string): Promise<unknown> {
    return this.getPromise({ kind: "customRequest", uuid, content: null });
  }
}

const newSite = (): FakeSite => new FakeSite(() => new Handler());

function open(site: FakeSite, page: string, modelId = "toy", config: webllm.MLCEngineConfig = {}): Promise<webllm.ServiceWorkerMLCEngine> {
  site.open(page);
  return soon(webllm.CreateServiceWorkerMLCEngine(modelId, config));
}

async function textOf(engine: webllm.MLCEngineInterface): Promise<string> {
  return (await soon(engine.chatCompletion(CALL))).choices[0]?.message.content ?? "";
}

async function beat(): Promise<void> {
  mock.timers.tick(BEAT_MS);
  await turns(20);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

test("pages share what a service worker has loaded; a page that is loaded again finds it", async () => {
  const [models, site] = [new Models(), newSite()];
  const first = await open(site, "1");
  const text = await textOf(first);
  const told: number[] = [];
  const second = await open(site, "2", "toy", { initProgressCallback: ({ progress }) => told.push(progress) });
  assert.deepEqual([await textOf(second), models.loaded.length, told.at(-1)], [text, 1, 1]);
  await soon(first.reload("toy"));
  site.close("1");
  const again = await open(site, "3");
  assert.deepEqual([await textOf(again), models.loaded.length], [text, 1]);
  await beat();
  await until(() => again.missedHeartbeat === 0);
  assert.deepEqual([models.alive, await textOf(second)], [1, text]);
});

test("a page's end frees what it alone had, and interrupting ends its own answers", async () => {
  const [models, site] = [new Models(), newSite()];
  const first = await open(site, "1", "other");
  const second = await open(site, "2");
  const both = await Promise.all([first, second].map((engine) => engine.chatCompletion({ ...CALL, max_tokens: 60, stream: true })));
  const [mine, others] = both.map((stream) => stream[Symbol.asyncIterator]());
  assert.ok(mine !== undefined && others !== undefined);
  await soon(Promise.all([mine.next(), others.next()]));
  first.interruptGenerate();
  const rest = async (stream: AsyncIterator<webllm.ChatCompletionChunk>): Promise<string> => {
    for (let reason = ""; ;) {
      const { value, done } = await stream.next();
      if (done === true) return reason;
      reason = value.choices[0]?.finish_reason ?? reason;
    }
  };
  assert.deepEqual(await soon(Promise.all([rest(mine), rest(others)])), ["abort", "length"]);
  site.close("1");
  await beat();
  await until(() => (models.loaded[0]?.disposals ?? 0) > 0);
  assert.deepEqual(models.loaded.map(({ modelId, disposals }) => [modelId, disposals]), [["other", 1], ["toy", 0]]);
});

test("a service worker that was stopped loads its models again before the next answer", async () => {
  const [models, site] = [new Models(), newSite()];
  const engine = await open(site, "1");
  const text = await textOf(engine);
  site.stop();
  assert.deepEqual(await Promise.all([textOf(engine), textOf(engine)]), [text, text]);
  assert.deepEqual([site.lives, models.loaded.length], [2, 2]);
});

test("an answer goes on where the service worker was stopped, and so does a load", async () => {
  const [models, site] = [new Models(), newSite()];
  const engine = await open(site, "1");
  const asked = { ...CALL, max_tokens: 40, temperature: 1 };
  for (const steps of [0, 1, 9]) {
    const whole = await soon(engine.chatCompletion({ ...asked, seed: steps + 1 }));
    await engine.reload("toy");
    let left = steps;
    models.prepare = (runner) => {
      const wait = runner.delay;
      runner.delay = () => (left-- > 0 ? wait() : new Promise(() => undefined));
    };
    site.stop();
    const pieces: string[] = [];
    const follow = async (): Promise<void> => {
      for await (const { choices } of await engine.chatCompletion({ ...asked, seed: steps + 1, stream: true })) pieces.push(choices[0]?.delta.content ?? "");
    };
    const followed = follow();
    while (left >= 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
    models.prepare = () => undefined;
    site.stop();
    await soon(followed);
    assert.deepEqual([pieces.join(""), pieces.filter((piece) => piece !== "").length > 1], [whole.choices[0]?.message.content, true]);
  }
  models.loading = () => new Promise(() => undefined);
  const loading = engine.reload("other");
  await beat();
  site.stop();
  models.loading = () => Promise.resolve();
  await soon(loading);
  assert.equal((await soon(engine.chatCompletion(CALL))).model, "other");
});

test("what a page has asked ends with it, also where it was the only one", async () => {
  const [models, site] = [new Models(), newSite()];
  let steps = 0;
  models.prepare = (runner) => {
    const wait = runner.delay;
    runner.delay = () => { steps++; return wait(); };
  };
  const engine = await open(site, "1");
  const stream = await soon(engine.chatCompletion({ ...CALL, max_tokens: 200, stream: true }));
  await soon(stream[Symbol.asyncIterator]().next());
  site.close("1");
  await beat();
  for (let last = -1; steps > last;) {
    last = steps;
    await beat();
  }
  const before = steps;
  await beat();
  assert.ok(steps === before && before < 150, `${before}, ${steps}`);
});

test("a program's own message is answered to the page that sent it", async () => {
  const [, site] = [new Models(), newSite()];
  site.open("1");
  const first = new Client();
  site.open("2");
  const second = new Client();
  assert.deepEqual(await soon(Promise.all([first.ask("a"), second.ask("b")])), ["custom answer", "custom answer"]);
});

test("a service worker answers OpenAI's requests by what a page has loaded there, also where it was stopped", async () => {
  const models = new Models();
  const site = new FakeSite(() => new Handler().serveEndpoint());
  const ask = async (more: object = {}): Promise<[number, string]> => {
    const response = await soon(site.fetch("https://site.example/v1/chat/completions", { method: "POST", body: JSON.stringify({ ...CALL, ...more }) }) ?? assert.fail("not answered"));
    return [response.status, await response.text()];
  };
  assert.equal((await ask())[0], 503, "no page");
  const engine = await open(site, "1");
  const text = await textOf(engine);
  const content = (said: string): string => JSON.parse(said).choices[0].message.content;
  const [status, said] = await ask();
  assert.deepEqual([status, content(said)], [200, text]);
  site.stop();
  const [again, saidAgain] = await ask();
  assert.deepEqual([again, content(saidAgain), site.lives, models.loaded.length], [200, text, 2, 2]);
  assert.match((await ask({ stream: true }))[1], /^data: .*\n\ndata: \[DONE\]\n\n$/s);
  assert.equal(site.fetch("https://site.example/other"), undefined);
  assert.equal(site.fetch("https://other.example/v1/models"), undefined);
});

/** A worker of a page with the engine of its package. */
class PageWorker extends EventTarget {
  readonly #handler = new WebWorkerMLCEngineHandler((data) => setImmediate(() => this.dispatchEvent(new MessageEvent("message", { data }))));

  postMessage(message: unknown): void {
    setImmediate(() => this.#handler.onmessage({ data: structuredClone(message) }));
  }

  terminate(): void {}
}

test("where a service worker has no GPU a worker of the page has the engine, and nothing ends with the service worker", async () => {
  const models = new Models();
  const site = new FakeSite(() => new Handler().serveEndpoint());
  const workers: PageWorker[] = [];
  const names: string[] = [];
  setPackagedWorker({ build: "b", start: (name) => {
    names.push(name);
    const worker = new PageWorker();
    workers.push(worker);
    return worker;
  } });
  const engine = await open(site, "1");
  const text = await textOf(engine);
  site.stop();
  assert.deepEqual([await textOf(engine), models.loaded.length, names], [text, 1, ['webllm-build shared ["b"]']]);
  const asked = { method: "POST", body: JSON.stringify(CALL) };
  const response = await soon(site.fetch("https://site.example/v1/chat/completions", asked) ?? assert.fail("not answered"));
  assert.deepEqual([response.status, (await response.json()).choices[0].message.content], [200, text], "by the page");
  workers[0]?.dispatchEvent(new Event("error"));
  assert.deepEqual([await textOf(engine), models.loaded.length, names.length], [text, 2, 2], "another worker in its place");
});
