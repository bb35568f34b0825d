import assert from "node:assert/strict";
import { test } from "node:test";
import { createFetch } from "../src/api/openai/fetch.ts";
import { DeviceLostError } from "../src/support/errors.ts";
import { MODEL, PLACES, fakeTokenizer, soon, type Setup } from "./fakes/engine.ts";

const MESSAGES = [{ role: "user", content: "hi" }];
const SHORT = { messages: MESSAGES, temperature: 0, max_tokens: 5 };

async function loaded(make: () => Setup, prepare: (it: Setup) => void = () => undefined): Promise<Setup> {
  const it = make();
  prepare(it);
  await it.client.reload(MODEL);
  return it;
}

function asker({ client }: Setup): (body: unknown, path?: string, signal?: AbortSignal) => Promise<Response> {
  const serve = createFetch(client);
  return (body, path = "chat/completions", signal) =>
    serve(`https://api.example/v1/${path}`, { method: "POST", body: JSON.stringify(body), ...(signal !== undefined && { signal }) });
}

interface Body {
  readonly object: string;
  readonly status: string;
  readonly incomplete_details: unknown;
  readonly metadata: unknown;
  readonly output_text: string;
  readonly output: { readonly content: { readonly text: string }[] }[];
}

interface Failure {
  readonly status: number;
  readonly retry: string | null;
  readonly code: unknown;
  readonly param: unknown;
}

async function failure(response: Response): Promise<Failure> {
  const body: { error: { code: unknown; param: unknown; message: unknown; type: unknown } } = await response.json();
  assert.equal(typeof body.error.message, "string");
  return { status: response.status, retry: response.headers.get("x-should-retry"), code: body.error.code, param: body.error.param };
}

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: an address that cannot be read is the request's fault`, async () => {
    const { client } = await loaded(make);
    for (const id of ["%", "%zz", "a%", "%ff%fe", "%c3"]) {
      const refused = await failure(await createFetch(client)(`https://api.example/v1/models/${id}`));
      assert.deepEqual([refused.status, refused.code, refused.retry], [400, "invalid_url", "false"], id);
    }
  });

  test(`${place}: a browser whose requests have no body that is read in parts asks for the same`, async () => {
    const ask = asker(await loaded(make));
    const body = Object.getOwnPropertyDescriptor(Request.prototype, "body") ?? assert.fail();
    Object.defineProperty(Request.prototype, "body", { get: () => undefined, configurable: true });
    const answer = await ask(SHORT).finally(() => Object.defineProperty(Request.prototype, "body", body));
    assert.equal(answer.status, 200);
  });

  test(`${place}: answers come as JSON and as server-sent events, chats and texts`, async () => {
    const ask = asker(await loaded(make));
    const whole: { object: string } = await (await ask(SHORT)).json();
    assert.equal(whole.object, "chat.completion");
    const streamed = await ask({ ...SHORT, stream: true });
    assert.equal(streamed.headers.get("content-type"), "text/event-stream");
    const events = (await streamed.text()).trim().split("\n\n");
    assert.equal(events.at(-1), "data: [DONE]");
    assert.match(events[0] ?? "", /^data: \{"id":"chatcmpl-.*"role":"assistant"/);
    assert.match(events.at(-2) ?? "", /"finish_reason":"length"/);
    const text: { object: string } = await (await ask({ prompt: "Once", max_tokens: 2 }, "completions")).json();
    assert.equal(text.object, "text_completion");
    assert.match(await (await ask({ prompt: "Once", max_tokens: 2, stream: true }, "completions")).text(), /text_completion.*\[DONE\]/s);
  });

  test(`${place}: what fails has a status, OpenAI's code and field, streamed or not, and is not tried again`, async () => {
    const it = await loaded(make);
    const ask = asker(it);
    const long = [{ role: "user", content: "x 1 y 2 ".repeat(200) }];
    for (const stream of [false, true]) {
      const fail = async (body: object): Promise<Failure> => failure(await soon(ask({ ...body, stream })));
      assert.deepEqual(await fail({ messages: long }), { status: 400, retry: "false", code: "context_length_exceeded", param: "messages" });
      assert.deepEqual(await fail({ ...SHORT, model: "gpt-4" }), { status: 404, retry: "false", code: "model_not_found", param: "model" });
      assert.deepEqual(await fail({ ...SHORT, temperature: 3 }), { status: 400, retry: "false", code: "invalid_value", param: "temperature" });
    }
    const many = await Promise.all([1, 2, 3].map(() => ask({ ...SHORT, n: 128 })));
    assert.deepEqual(many.map(({ status }) => status), [200, 200, 429]);
    assert.deepEqual(many.slice(2).map(({ headers }) => headers.get("x-should-retry")), ["true"], "but where it only comes too early");
    await it.client.unload();
    assert.deepEqual(await failure(await ask({ ...SHORT, stream: true })), { status: 409, retry: "false", code: "model_not_loaded", param: null });
    assert.deepEqual(await failure(await ask({}, "images")), { status: 404, retry: "false", code: "unknown_url", param: null });
    const serve = createFetch(it.client);
    const get = await serve("https://api.example/v1/chat/completions");
    assert.deepEqual([get.status, get.headers.get("allow")], [405, "POST, OPTIONS"]);
    for (const [path, method, ...told] of [
      ["models", "HEAD", 200, "application/json", null], ["models/nobody", "HEAD", 404, "application/json", null], ["chat/completions", "HEAD", 405, "application/json", "POST, OPTIONS"],
      ["models", "OPTIONS", 204, null, "GET, HEAD, OPTIONS"], ["chat/completions", "OPTIONS", 204, null, "POST, OPTIONS"],
    ] as const) {
      const answer = await serve(`https://api.example/v1/${path}`, { method });
      assert.deepEqual([answer.status, answer.headers.get("content-type"), answer.headers.get("allow"), await answer.text()], [...told, ""], `${method} ${path}`);
    }
    assert.deepEqual(await failure(await serve("https://api.example/v1/models", { method: "DELETE" })), { status: 405, retry: "false", code: "method_not_allowed", param: null });
    assert.equal((await serve("https://api.example/v1/chat/completions", { method: "POST", body: "{" })).status, 400);
    assert.equal((await serve("https://api.example/v1/chat/completions", { method: "POST" })).status, 400);
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 22)) });
    const init = { method: "POST", body: endless, duplex: "half" };
    assert.equal((await failure(await serve("https://api.example/v1/responses", init))).status, 413);
    it.engine.tokenizer = fakeTokenizer({ chat_template: null });
    await it.client.reload(MODEL);
    assert.equal((await failure(await ask(SHORT))).status, 400);
  });

  test(`${place}: a failure before the first token is a status, one after it an event`, async () => {
    for (const [failingStep, isStatus] of [[0, true], [7, false]] as const) {
      const it = await loaded(make, ({ engine }) => {
        engine.prepare = (runner) => {
          let steps = 0;
          const wait = runner.delay;
          runner.delay = () => (steps++ === failingStep ? Promise.reject(new DeviceLostError("lost")) : wait());
        };
      });
      const response = await asker(it)({ ...SHORT, max_tokens: 20, stream: true });
      assert.equal(response.status, isStatus ? 500 : 200);
      if (isStatus) assert.equal((await failure(response)).code, "DeviceLost");
      else assert.match(await response.text(), /"content":.*data: \{"error":\{"message":"lost","type":"server_error","param":null,"code":"DeviceLost"\}\}\n\n$/s);
    }
  });

  test(`${place}: a body that is cancelled, and a signal, end the generation`, async () => {
    const it = await loaded(make);
    const ask = asker(it);
    const body = (await ask({ ...SHORT, max_tokens: 200, stream: true })).body;
    await body?.cancel();
    const controller = new AbortController();
    const waiting = ask({ ...SHORT, max_tokens: 200 }, undefined, controller.signal);
    controller.abort(new DOMException("late", "TimeoutError"));
    await assert.rejects(waiting, { name: "TimeoutError" });
    const late = new AbortController();
    const cut = await ask({ ...SHORT, max_tokens: 200, stream: true }, undefined, late.signal);
    late.abort(new DOMException("late", "TimeoutError"));
    await assert.rejects(soon(cut.text()), { name: "TimeoutError" });
    const before = it.engine.loaded[0]?.runner.calls.length ?? 0;
    assert.ok(before < 100, String(before));
    assert.equal((await soon(ask(SHORT))).status, 200);
  });

  test(`${place}: the loaded models are listed, and each can be asked for`, async () => {
    const it = await loaded(make);
    const serve = createFetch(it.client);
    const list: { object: string; data: { id: string; created: number }[] } = await (await serve("https://api.example/v1/models")).json();
    assert.deepEqual([list.object, list.data.map(({ id }) => id)], ["list", [MODEL]]);
    assert.ok(Math.abs((list.data[0]?.created ?? 0) - Date.now() / 1000) < 60);
    assert.equal((await serve(`https://api.example/v1/models/${MODEL}`)).status, 200);
    assert.deepEqual(await failure(await serve("https://api.example/v1/models/a%2Fb")), { status: 404, retry: "false", code: "model_not_found", param: "model" });
  });

  test(`${place}: responses come whole and as events in order, and say why they ended or failed`, async () => {
    const it = await loaded(make);
    const ask = asker(it);
    const request = { input: "hi", temperature: 0, max_output_tokens: 5, metadata: { a: "b" } };
    const whole: Body = await (await ask(request, "responses")).json();
    const chat: { choices: { message: { content: string } }[] } = await (await ask(SHORT)).json();
    assert.equal(whole.output_text, chat.choices[0]?.message.content);
    assert.deepEqual([whole.object, whole.status, whole.incomplete_details, whole.metadata], ["response", "incomplete", { reason: "max_output_tokens" }, { a: "b" }]);
    assert.equal(whole.output[0]?.content[0]?.text, whole.output_text);
    const events = (await (await ask({ ...request, stream: true }, "responses")).text()).trim().split("\n\n").map((event) => {
      const [name, data] = event.split("\n");
      const body: { type: string; sequence_number: number } = JSON.parse(data?.replace("data: ", "") ?? "");
      assert.equal(name, `event: ${body.type}`);
      return body;
    });
    assert.deepEqual(events.map(({ sequence_number: number }) => number), events.map((_, i) => i));
    const kinds = events.map(({ type }) => type).filter((type) => type !== "response.output_text.delta");
    assert.deepEqual(kinds, ["created", "in_progress", "output_item.added", "content_part.added", "output_text.done", "content_part.done",
      "output_item.done", "incomplete"].map((kind) => `response.${kind}`));
    const again = { input: [{ role: "user", content: "hi" }, ...whole.output, { role: "user", content: [{ type: "input_text", text: "more" }] }] };
    assert.equal((await ask({ ...again, max_output_tokens: 2 }, "responses")).status, 200);
    for (const [body, param] of [
      [{ input: [] }, "input"], [{ ...request, max_output_tokens: 0 }, "max_output_tokens"], [{ ...request, previous_response_id: "r" }, "previous_response_id"],
      [{ input: [{ type: "item_reference", id: "x" }] }, "input[0].type"], [{ input: [{ role: "user", content: [{ type: "input_image" }] }] }, "input[0].content[0].image_url"],
    ] as const) assert.deepEqual(await failure(await ask(body, "responses")), { status: 400, retry: "false", code: "invalid_value", param });
    const lost = await loaded(make, ({ engine }) => {
      engine.prepare = (runner) => {
        let steps = 0;
        const wait = runner.delay;
        runner.delay = () => (steps++ === 7 ? Promise.reject(new DeviceLostError("lost")) : wait());
      };
    });
    const text = await (await asker(lost)({ input: "hi", stream: true }, "responses")).text();
    assert.match(text, /event: error\ndata: \{"type":"error".*"message":"lost"[^\n]*\n\nevent: response\.failed\n[^\n]*"status":"failed"[^\n]*\n\n$/);
  });
}
