import assert from "node:assert/strict";
import { test } from "node:test";
import { WebWorkerMLCEngine, type WorkerLike } from "../src/transport/client.ts";
import { MLCEngine } from "../src/api/engine.ts";
import {
  AbortError, ContextWindowSizeExceededError, ModelNotFoundError, ModelNotLoadedError, ProtocolError, RequestValidationError,
} from "../src/support/errors.ts";
import { createFetch } from "../src/api/openai/fetch.ts";
import { ResponseShape, usage } from "../src/api/openai/response.ts";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, RequestOptions } from "../src/api/openai/types.ts";
import type { InitProgressReport } from "../src/api/types.ts";
import { WebWorkerMLCEngineHandler } from "../src/transport/worker.ts";

Object.assign(globalThis, { location: { href: "https://page.example/chat/" } });

const USAGE = usage({ prompt: 1, cached: 0, completion: 3 }, { requested: 0, prefillStarted: 0, firstToken: 1, finished: 2 });
const MESSAGES = [{ role: "user", content: "count" }] as const;
const SHAPE = new ResponseShape("scripted");

/** An engine without a model: it counts words until somebody stops it. */
class ScriptedEngine extends MLCEngine {
  produced = 0;
  ended = false;
  constructor(readonly words: number, readonly failAt = Infinity) {
    super();
  }

  override chatCompletion(request: ChatCompletionRequest, options: RequestOptions = {}): Promise<never> {
    const answer: Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>> = Promise.resolve(
      request.stream ? this.#count(options.signal ?? undefined) : SHAPE.completion("0 1 2", "stop", USAGE));
    return answer as Promise<never>;
  }

  async *#count(signal: AbortSignal | undefined): AsyncGenerator<ChatCompletionChunk> {
    try {
      for (let i = 0; i < this.words; i++) {
        await new Promise((resolve) => { setTimeout(resolve, 0); });
        if (signal?.aborted) throw new AbortError("aborted");
        if (i === this.failAt) throw new ContextWindowSizeExceededError("too long", { promptTokens: 9 });
        this.produced++;
        yield SHAPE.textChunk(`${i} `);
      }
    } finally {
      this.ended = true;
    }
  }
}

class Loopback extends EventTarget implements WorkerLike {
  readonly sent: unknown[] = [];
  readonly received: { kind: string }[] = [];
  readonly handler: WebWorkerMLCEngineHandler;

  constructor(engine: MLCEngine) {
    super();
    this.handler = new WebWorkerMLCEngineHandler((message) => { this.deliver(structuredClone(message)); }, engine);
  }

  deliver(data: unknown): void {
    if (typeof data === "object" && data !== null && "kind" in data) this.received.push({ kind: String(data.kind) });
    setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data })), 0);
  }

  postMessage(message: unknown): void {
    const data: unknown = structuredClone(message);
    this.sent.push(data);
    setTimeout(() => this.handler.onmessage({ data }), 0);
  }
}

async function texts(stream: AsyncIterable<ChatCompletionChunk>): Promise<string[]> {
  const out: string[] = [];
  for await (const chunk of stream) out.push(chunk.choices[0]?.delta.content ?? "");
  return out;
}

test("a stream arrives whole and in order", async () => {
  const client = new WebWorkerMLCEngine(new Loopback(new ScriptedEngine(40)));
  const stream = await client.chat.completions.create({ messages: MESSAGES, stream: true });
  assert.deepEqual(await texts(stream), Array.from({ length: 40 }, (_, i) => `${i} `));
});

test("a slow consumer gets fewer, larger messages; the engine is not held up", async () => {
  const engine = new ScriptedEngine(40);
  const worker = new Loopback(engine);
  const client = new WebWorkerMLCEngine(worker);
  const stream = await client.chat.completions.create({ messages: MESSAGES, stream: true });
  let count = 0;
  for await (const chunk of stream) {
    assert.equal(chunk.choices[0]?.delta.content, `${count} `);
    if (count++ === 0) while (!engine.ended) await new Promise((resolve) => { setTimeout(resolve, 1); });
  }
  assert.equal(count, 40);
  assert.ok(worker.received.filter((message) => message.kind === "chunks").length <= 6);
});

test("leaving the loop stops the worker's generation", async () => {
  const engine = new ScriptedEngine(1_000_000);
  const client = new WebWorkerMLCEngine(new Loopback(engine));
  for await (const chunk of await client.chat.completions.create({ messages: MESSAGES, stream: true })) {
    if (chunk.choices[0]?.delta.content === "3 ") break;
  }
  while (!engine.ended) await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.ok(engine.produced < 100);
});

test("an AbortSignal rejects at once and stops the worker", async () => {
  const engine = new ScriptedEngine(1_000_000);
  const client = new WebWorkerMLCEngine(new Loopback(engine));
  const controller = new AbortController();
  const stream = await client.chat.completions.create({ messages: MESSAGES, stream: true }, { signal: controller.signal });
  await assert.rejects(async () => {
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === "5 ") controller.abort();
  }, AbortError);
  while (!engine.ended) await new Promise((resolve) => { setTimeout(resolve, 1); });
  await assert.rejects(client.chatCompletion({ messages: MESSAGES }, { signal: AbortSignal.abort() }), AbortError);
});

test("an error in the middle of a stream comes after the text before it, with its class and details", async () => {
  const client = new WebWorkerMLCEngine(new Loopback(new ScriptedEngine(10, 3)));
  const stream = await client.chat.completions.create({ messages: MESSAGES, stream: true });
  const got: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of stream) got.push(chunk.choices[0]?.delta.content ?? "");
  }, (error: unknown) => error instanceof ContextWindowSizeExceededError && error.details["promptTokens"] === 9);
  assert.deepEqual(got, ["0 ", "1 ", "2 "]);
});

test("an answer without stream is one message", async () => {
  const client = new WebWorkerMLCEngine(new Loopback(new ScriptedEngine(3)));
  const completion = await client.chat.completions.create({ messages: MESSAGES });
  assert.equal(completion.choices[0]?.message.content, "0 1 2");
  assert.deepEqual(completion.usage, USAGE);
});

test("a worker without a model says so with the right class; a bad request does not reach it", async () => {
  const worker = new Loopback(new MLCEngine());
  const client = new WebWorkerMLCEngine(worker);
  await assert.rejects(client.chatCompletion({ messages: MESSAGES }), ModelNotLoadedError);
  const sent = worker.sent.length;
  await assert.rejects(client.chatCompletion({ messages: [] }), RequestValidationError);
  await assert.rejects(client.reload("nowhere"), ModelNotFoundError);
  assert.equal(worker.sent.length, sent);
  assert.equal(await client.getMessage(), "");
  await client.interruptGenerate();
  await client.unload();
});

test("loading sends absolute addresses, reports progress and fails with the worker's error", async () => {
  const worker = new Loopback(new MLCEngine());
  const reports: InitProgressReport[] = [];
  const client = new WebWorkerMLCEngine(worker, {
    appConfig: { model_list: [{ model_id: "toy", manifest: "model/manifest.json", files: { "a.bin": "/assets/a.bin" } }] },
    initProgressCallback: (report) => reports.push(report),
  });
  await assert.rejects(client.reload("toy"), { code: "WebGPUNotAvailable" });
  assert.equal(reports[0]?.phase, "config");
  assert.deepEqual(worker.sent[0], {
    kind: "reload", id: 0, modelId: "toy", contextLength: undefined, variant: undefined, calibrate: undefined,
    source: {
      manifest: "https://page.example/chat/model/manifest.json", files: { "a.bin": "https://page.example/assets/a.bin" },
    },
  });
});

test("a worker that dies or talks nonsense fails all that wait", async () => {
  for (const event of [new Event("error"), new Event("messageerror"), new MessageEvent("message", { data: { kind: "nonsense" } })]) {
    const worker = new Loopback(new ScriptedEngine(100));
    const client = new WebWorkerMLCEngine(worker);
    const stream = await client.chat.completions.create({ messages: MESSAGES, stream: true });
    worker.dispatchEvent(event);
    await assert.rejects(texts(stream), ProtocolError);
  }
});

test("createFetch serves OpenAI's client: JSON, server-sent events, errors with a status", async () => {
  const serve = createFetch(new WebWorkerMLCEngine(new Loopback(new ScriptedEngine(2))));
  const ask = (body: unknown): Promise<Response> =>
    serve("https://api.example/v1/chat/completions", { method: "POST", body: JSON.stringify(body) });
  const plain: unknown = await (await ask({ messages: MESSAGES })).json();
  assert.ok(typeof plain === "object" && plain !== null && "object" in plain && plain.object === "chat.completion");
  const streamed = await (await ask({ messages: MESSAGES, stream: true })).text();
  const events = streamed.trim().split("\n\n");
  assert.equal(events.length, 3);
  assert.equal(events[2], "data: [DONE]");
  assert.match(events[1] ?? "", /^data: \{"id":"chatcmpl-.*"content":"1 "/);
  assert.equal((await ask({ messages: [] })).status, 400);
  assert.equal((await serve("https://api.example/v1/models")).status, 404);
});
