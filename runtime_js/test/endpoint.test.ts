// Requests to a site's `v1/`, from the service worker to a page and back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as idle } from "node:timers/promises";
import OpenAI from "openai";
import { answer } from "../src/endpoint/answer.ts";
import { askPages, type Page } from "../src/endpoint/ask.ts";
import { takeRequests } from "../src/endpoint/take.ts";
import { isAsked, mayBeAnswered } from "../src/endpoint/messages.ts";
import { serveEndpoint } from "../src/endpoint/serve.ts";
import { CONFIG, FakeEngine, MODEL, soon } from "./fakes/engine.ts";
import { FakeSite } from "./fakes/service_worker.ts";
import { turns } from "./fakes/turns.ts";

const SITE = "https://site.example/chat/";
const ports: MessagePort[] = [];

/** A page whose model is ready. */
async function page(): Promise<{ engine: FakeEngine; page: Page }> {
  const engine = new FakeEngine(CONFIG);
  await engine.reload(MODEL);
  const postMessage = (message: unknown, [port]: Transferable[]): void => {
    if (!(port instanceof MessagePort) || !isAsked(message)) return assert.fail();
    ports.push(port);
    port.postMessage({ kind: "taken" });
    void answer(engine.host, structuredClone(message), port).finally(() => port.close());
  };
  return { engine, page: { postMessage } };
}

const refusing: Page = { postMessage: (_, [port]) => { if (port instanceof MessagePort) port.postMessage({ kind: "refused" }); } };
const silent: Page = { postMessage: () => undefined };

/** What the service worker makes of a page's `fetch`. */
function fetchFrom(...pages: Page[]): typeof fetch {
  return (input, init) => {
    const request = new Request(input, init);
    return askPages(request, request.url.slice(SITE.length), pages, SITE);
  };
}

test("a client of OpenAI's, whole and streamed", async () => {
  const { engine, page: one } = await page();
  const openai = new OpenAI({ apiKey: "-", baseURL: `${SITE}v1`, dangerouslyAllowBrowser: true, fetch: fetchFrom(refusing, one), maxRetries: 0 });
  const request = { model: MODEL, messages: [{ role: "user" as const, content: "hi" }], temperature: 0, max_tokens: 5 };
  const whole = await soon(openai.chat.completions.create(request));
  const own = await engine.chat.completions.create(request);
  assert.equal(whole.choices[0]?.message.content, own.choices[0]?.message.content);
  let text = "";
  for await (const piece of await openai.chat.completions.create({ ...request, stream: true })) text += piece.choices[0]?.delta.content ?? "";
  assert.equal(text, whole.choices[0]?.message.content);
  assert.deepEqual((await openai.models.list()).data.map(({ id }) => id), [MODEL]);
  for (const [method, status] of [["HEAD", 200], ["OPTIONS", 204]] as const) {
    const answer = await soon(fetchFrom(one)(`${SITE}v1/models`, { method }));
    assert.deepEqual([answer.status, await answer.text()], [status, ""], method);
  }
  await assert.rejects(openai.chat.completions.create({ ...request, model: "nobody" }), { status: 404, code: "model_not_found" });
  await assert.rejects(openai.chat.completions.create({ ...request, temperature: 9 }), { status: 400, param: "temperature" });
});

test("an answer is whole where its page's lock is known to be free before its end is heard", async () => {
  const { page: one } = await page();
  const held = new Map<string, Promise<unknown>>(); // whoever waits has a lock as soon as it is free, before any message comes
  const request = (name: string, ...more: readonly unknown[]): Promise<unknown> => {
    const callback = more.at(-1);
    const turn = Promise.resolve(held.get(name)).then(() => (typeof callback === "function" ? callback() : undefined));
    held.set(name, turn);
    return turn;
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 5, stream: true });
  for (const init of [{}, { method: "HEAD" }]) assert.equal((await soon(fetchFrom(one)(`${SITE}v1/models`, init))).status, 200);
  const response = await soon(fetchFrom(one)(`${SITE}v1/chat/completions`, { method: "POST", body }));
  assert.match(await soon(response.text()), /data: \[DONE\]\n\n$/);
  Reflect.deleteProperty(globalThis, "navigator");
});

test("closing a stream ends the answer", async () => {
  const { engine, page: one } = await page();
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], temperature: 0, stream: true });
  const response = await fetchFrom(one)(`${SITE}v1/chat/completions`, { method: "POST", body });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await soon((async () => { while (engine.loaded[0]?.runner.calls.length !== await later(engine)) { /* it still works */ } })());
});

async function later(engine: FakeEngine): Promise<number | undefined> {
  const { length } = engine.loaded[0]?.runner.calls ?? [];
  await turns(20);
  return length;
}

test("pages that are silent, or have no model, are passed over; without any, the answer says what to do", async () => {
  const { page: one } = await page();
  assert.equal((await soon(fetchFrom(silent, refusing, one)(`${SITE}v1/models`))).status, 200);
  const none = await soon(fetchFrom(refusing)(`${SITE}v1/models`));
  assert.deepEqual([none.status, none.headers.get("x-should-retry")], [503, "false"]);
  const { error } = await none.json();
  assert.match(error.message, /Open https:\/\/site.example\/chat\/ in a tab/);
  assert.equal((await soon(fetchFrom(one)(`${SITE}v1/anything`))).status, 404);
  await turns(20); // until no page waits by a clock that the next test stops
});

/** A page that reads a request when it is told to. */
function busy(one: Page): { page: Page; asked: Promise<() => void> } {
  let hear = (_: () => void): void => undefined;
  const asked = new Promise<() => void>((resolve) => { hear = resolve; });
  return { page: { postMessage: (...message) => hear(() => one.postMessage(...message)) }, asked };
}

test("a page may be busy, the longer for a long request; what is too long is for none", async ({ mock }) => {
  const { page: one } = await page();
  const post = (from: Page, body: Uint8Array<ArrayBuffer> | ReadableStream): Promise<Response> => {
    const init = { method: "POST", body, duplex: "half" };
    return askPages(new Request(`${SITE}v1/chat/completions`, init), "v1/chat/completions", [from], SITE);
  };
  const pages = [busy(one), busy(one), busy(one)] as const;
  mock.timers.enable({ apis: ["setInterval"] });
  const answers = [100, 100, 2 ** 24].map((bytes, i) => post(pages[i]?.page ?? assert.fail(), new Uint8Array(bytes)));
  const [soonRead, , longRead] = await Promise.all(pages.map(({ asked }) => asked));
  for (const passed of [1100, 29_000]) { // first it is seen that nobody else is left to be asked
    await idle();
    mock.timers.tick(passed);
  }
  soonRead?.();
  await answers[0];
  mock.timers.tick(1500);
  await answers[1];
  longRead?.();
  await answers[2];
  mock.timers.reset();
  let read = 0;
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(2 ** 20).fill(++read)) });
  answers.push(post(one, endless));
  assert.deepEqual((await Promise.all(answers)).map(({ status }) => status), [400, 503, 400, 413]);
  assert.ok(read < 135, `${read} MiB were read`);
  await turns(20); // until no page waits by a clock that is no more
});

test("beside a page that is busy the next is asked; the first to take it answers, and another stops", async ({ mock }) => {
  const [first, second] = [await page(), await page()];
  const [slow, slower] = [busy(first.page), busy(second.page)];
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 100 });
  mock.timers.enable({ apis: ["setInterval"] });
  const answer = fetchFrom(slow.page, refusing, slower.page, silent)(`${SITE}v1/chat/completions`, { method: "POST", body });
  const readFirst = await slow.asked;
  let read: (() => void) | undefined;
  void slower.asked.then((reading) => { read = reading; });
  while (read === undefined) {
    await idle();
    mock.timers.tick(100);
  }
  mock.timers.reset();
  read();
  assert.equal((await soon(answer)).status, 200);
  readFirst();
  await turns(200);
  const [begun = 0, whole = 0] = [first, second].map(({ engine }) => engine.loaded[0]?.runner.calls.length);
  assert.ok(begun < 50 && whole >= 100, `${begun} steps of one, ${whole} of the other`);
});

test("who leaves before an answer has begun ends it", async () => {
  const { engine, page: one } = await page();
  const leaving = new AbortController();
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], temperature: 0 });
  const answer = fetchFrom(one, one)(`${SITE}v1/chat/completions`, { method: "POST", body, signal: leaving.signal }).then((response) => response.json());
  while (engine.loaded[0]?.runner.calls.length === 0) await turns(1);
  leaving.abort();
  await soon(assert.rejects(answer, { name: "AbortError" }));
  await soon((async () => { while (engine.loaded[0]?.runner.calls.length !== await later(engine)) { /* it still works */ } })());
});

test("a response begins when its request is accepted, as browsers tell by its body alone that nobody waits any more", async () => {
  for (const [path, request] of [
    ["chat/completions", { messages: [{ role: "user", content: "hi" }] }], ["chat/completions", { messages: [{ role: "user", content: "hi" }], stream: true }],
    ["completions", { prompt: "hi" }], ["responses", { input: "hi" }], ["responses", { input: "hi", stream: true }], ["embeddings", { input: Array(100).fill("hi") }],
  ] as const) {
    const { engine, page: one } = await page();
    const runner = engine.loaded[0]?.runner ?? assert.fail();
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => { goOn = resolve; });
    const wait = runner.delay;
    runner.delay = () => held.then(wait);
    const response = await soon(fetchFrom(one)(`${SITE}v1/${path}`, { method: "POST", body: JSON.stringify({ model: MODEL, ...request }) }));
    const kind = "stream" in request ? "text/event-stream" : "application/json";
    assert.deepEqual([response.status, response.headers.get("content-type")], [200, kind], `${path}, of which nothing is computed yet`);
    await response.body?.cancel();
    goOn();
    await soon((async () => { while (runner.calls.length !== await later(engine)) { /* it still works */ } })());
    assert.ok(runner.calls.length < 20, `${path} took ${runner.calls.length} steps`);
    await engine.unload();
  }
});

test("an answer that fails behind its response's beginning breaks it off", async () => {
  const { engine, page: one } = await page();
  const runner = engine.loaded[0]?.runner ?? assert.fail();
  runner.delay = () => Promise.reject(new Error("made to fail"));
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }] });
  const response = await soon(fetchFrom(one)(`${SITE}v1/chat/completions`, { method: "POST", body }));
  await soon(assert.rejects(response.json(), { name: "TypeError" }));
});

test("a page takes requests while its model is ready", async () => {
  const container = new EventTarget();
  let host: FakeEngine["host"] | undefined;
  const asked: unknown[] = [];
  takeRequests(container as ServiceWorkerContainer, "data:text/javascript,export function answer(host, asked, port) { port.postMessage({ kind: 'end' }); return Promise.resolve(); }", (model) => {
    asked.push(model);
    return host;
  });
  const told = async (data: unknown, last: string): Promise<unknown[]> => {
    const { port1, port2 } = new MessageChannel();
    const heard: unknown[] = [];
    const isOver = new Promise<void>((resolve) => {
      port1.onmessage = (event: MessageEvent<{ kind: string }>) => {
        heard.push(event.data);
        if (event.data.kind === last) resolve();
      };
    });
    container.dispatchEvent(Object.assign(new Event("message"), { data, ports: [port2] }));
    if (last === "") port2.postMessage({ kind: "" }); // behind whatever would have been said
    await soon(isOver);
    port1.close();
    return heard;
  };
  const question = { kind: "webllm-build:ask", method: "GET", path: "v1/models", headers: [], body: null };
  assert.deepEqual(await told(question, "refused"), [{ kind: "refused" }]);
  ({ host } = (await page()).engine);
  assert.deepEqual(await told(question, "end"), [{ kind: "taken" }, { kind: "end" }]);
  assert.deepEqual(await told({ kind: "else" }, ""), [{ kind: "" }]);
  for (const body of ['{"model": "b-q4"}', '{"model": 3}', "[", "null"]) await told({ ...question, body: new TextEncoder().encode(body).buffer }, "end");
  assert.deepEqual(asked, [undefined, undefined, "b-q4", undefined, undefined, undefined], "what a request names is who is asked for");
});

test("a service worker of a program's own makes its engine for the first request, and again where that failed", async () => {
  const { engine } = await page();
  let opened = 0;
  const site = new FakeSite(() => serveEndpoint(() => {
    if (++opened === 1) throw new TypeError("no room");
    return engine;
  }, "api/v1"));
  const list = async (): Promise<unknown> => (await soon(site.fetch("https://site.example/api/v1/models") ?? assert.fail("not answered"))).json();
  assert.deepEqual(await list(), { error: { message: "TypeError: no room", type: "server_error", param: null, code: "Internal" } });
  for (let i = 0; i < 2; i++) assert.match(JSON.stringify(await list()), /"id":"toy"/);
  assert.equal(opened, 2);
  assert.equal(site.fetch("https://site.example/v1/models"), undefined);
  const controller = new AbortController();
  const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], stream: true });
  const response = await soon(site.fetch("https://site.example/api/v1/chat/completions", { method: "POST", body, signal: controller.signal }) ?? assert.fail("not answered"));
  await response.body?.cancel();
  await soon((async () => { while (engine.loaded[0]?.runner.calls.length !== await later(engine)) { /* it still works */ } })());
});

test("a form of another site's has nothing computed", () => {
  const asked = (mode: string, method: string): boolean => mayBeAnswered({ mode, method } as Request);
  assert.deepEqual([asked("cors", "POST"), asked("navigate", "GET"), asked("navigate", "POST")], [true, true, false]);
});
